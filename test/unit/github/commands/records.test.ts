import { describe, expect, it } from 'vitest';
import { openCommandRecords } from '../../../../src/store/command-records.ts';
import { openTestGrants } from '../../../../src/store/test-grants.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { sharedWorld } from './shared-world.ts';

onEveryDatabase('what people asked for', (url) => {
  const world = sharedWorld(url);
  const HOUR_MS = 3_600_000;

  describe('records of requests', () => {
    it('give a request to one holder, then to the next when it is released or its time is over, and to nobody when done', async () => {
      const records = openCommandRecords(world().db);
      const claims = await Promise.all(['a', 'b', 'c'].map((holder) => records.claim('k1', holder, HOUR_MS)));
      expect(claims.map(({ status }) => status).sort()).toEqual(['busy', 'busy', 'mine']);
      const holder = ['a', 'b', 'c'][claims.findIndex(({ status }) => status === 'mine')] ?? '';
      await records.release('k1', 'somebody else');
      expect((await records.claim('k1', 'd', HOUR_MS)).status).toBe('busy');
      await records.release('k1', holder);
      expect(await records.claim('k1', 'd', HOUR_MS)).toEqual({
        status: 'mine',
        isRetaken: true,
        isAcknowledged: false,
      });
      await records.acknowledged('k1');
      expect(await records.claim('k1', 'e', -HOUR_MS)).toEqual({
        status: 'mine',
        isRetaken: true,
        isAcknowledged: true,
      });
      await records.close('k1');
      expect((await records.claim('k1', 'f', -HOUR_MS)).status).toBe('done');
    });

    it('are forgotten when they were done long ago, and only then', async () => {
      const { db } = world();
      const records = openCommandRecords(db);
      for (const key of ['old', 'new', 'open']) {
        await records.claim(key, 'a', HOUR_MS);
        await records.finish(key, 0, 'done');
        if (key !== 'open') await records.close(key);
      }
      await db.query('', `update command_request set done_at = now() - interval '8 days' where key = 'old'`, []);
      await records.release('open', 'a');
      await records.prune(new Date(Date.now() - 7 * 24 * HOUR_MS));
      expect(await records.claim('old', 'b', HOUR_MS)).toMatchObject({ status: 'mine', isRetaken: false });
      expect(await records.answers('old')).toEqual(new Map());
      expect((await records.claim('new', 'b', HOUR_MS)).status).toBe('done');
      expect(await records.claim('open', 'b', HOUR_MS)).toMatchObject({ status: 'mine', isRetaken: true });
    });

    it('keep the first target and the first answer', async () => {
      const records = openCommandRecords(world().db);
      await records.claim('k2', 'a', HOUR_MS);
      expect(await records.target('k2', 0)).toBeUndefined();
      expect(await records.intend('k2', 0, { gate: 'one' })).toEqual({ gate: 'one' });
      expect(await records.intend('k2', 0, { gate: 'two' })).toEqual({ gate: 'one' });
      await records.finish('k2', 1, 'second\0');
      await records.finish('k2', 0, 'first');
      await records.finish('k2', 0, 'again');
      expect([...(await records.answers('k2'))]).toEqual([
        [0, 'first'],
        [1, 'second\ufffd'],
      ]);
    });
  });

  it('a grant covers one head of one pull request, into one branch', async () => {
    const grants = openTestGrants(world().db);
    const grant = { repositoryId: 1, pullNumber: 2, headSha: 'a'.repeat(40), baseRef: 'main' };
    await grants.grant({ ...grant, grantedBy: 'ada' });
    await grants.grant({ ...grant, grantedBy: 'bo' });
    expect(await grants.isGranted(grant)).toBe(true);
    for (const change of [{ pullNumber: 3 }, { repositoryId: 2 }, { headSha: 'b'.repeat(40) }, { baseRef: 'legacy' }])
      expect(await grants.isGranted({ ...grant, ...change })).toBe(false);
  });
});
