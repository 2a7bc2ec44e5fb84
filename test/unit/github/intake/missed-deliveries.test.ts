import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { MissedDeliveries } from '../../../../src/github/intake/missed-deliveries.ts';
import type { Octokit } from '../../../../src/github/octokit.ts';
import type { Inbox } from '../../../../src/protocol/inbox.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openInbox } from '../../../../src/store/inbox.ts';
import { migrate } from '../../../../src/store/migrate.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { type FreshDatabase, freshDatabase } from '../../../fresh-database.ts';
import { HookList } from './hook-list.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const DAY_MS = 86_400_000;

onEveryDatabase('missed deliveries', (url) => {
  let fresh: FreshDatabase;
  let db: Database;
  let inbox: Inbox;
  let app: Octokit;
  let nowMs = NOW;
  const errors: unknown[] = [];
  const hooks = new HookList(() => nowMs);
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    db = await fresh.open();
    await migrate(db);
    inbox = openInbox(db);
    app = await hooks.open();
  });
  beforeEach(async () => {
    nowMs = NOW;
    errors.length = 0;
    hooks.reset();
    hooks.onTaken = came;
    for (const table of ['delivery', 'redelivery']) await db.query('', `delete from ${table}`, []);
  });
  afterAll(async () => {
    await hooks.close();
    await db.close();
    await fresh.drop();
  });

  const sweeper = (): MissedDeliveries =>
    new MissedDeliveries({
      access: { app },
      inbox,
      clock: { now: () => nowMs },
      onError: (error) => errors.push(error),
    });
  const came = async (id: string): Promise<void> => {
    await inbox.accept({ id, lane: id, event: 'push', action: null, installationId: 1, payload: {} });
  };
  const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `guid-${from + i}`);
  const fail = (guids: readonly string[]): void => {
    for (const guid of guids) {
      nowMs += 1000;
      hooks.list(guid, 502);
    }
  };
  /** No pause is over, however long the machine took to ask. */
  const askedJustNow = async (): Promise<void> => {
    await db.query('', 'update redelivery set asked_at = now()', []);
  };
  /** Pauses between two requests for one delivery are over. */
  const waitLong = async (): Promise<void> => {
    await db.query('', `update redelivery set asked_at = now() - interval '1 day'`, []);
  };

  it('are asked for in the order in which they were sent first, at their newest sending', async () => {
    fail(['first', 'second', 'third', 'first']);
    hooks.isServerUp = true;
    expect(await sweeper().sweep()).toEqual(['first', 'second', 'third']);
    expect(hooks.asked).toEqual(['first', 'second', 'third']);
    expect(await inbox.missing(['first', 'second', 'third'])).toEqual([]);
  });

  it('get their turn though a hundred others fail again and again, and all come when the outage is over', async () => {
    fail(names(0, 250));
    const sweeps = sweeper();
    expect(await sweeps.sweep()).toEqual(names(0, 100));
    expect(sweeps.isMore).toBe(true);
    expect(await sweeps.sweep()).toEqual(names(100, 200));
    expect(sweeps.isMore).toBe(true);
    expect(await sweeps.sweep()).toEqual(names(200, 250));
    expect(sweeps.isMore).toBe(false);
    await askedJustNow();
    expect(await sweeps.sweep()).toEqual([]);
    await waitLong();
    hooks.isServerUp = true;
    for (const part of [names(0, 100), names(100, 200), names(200, 250)]) expect(await sweeps.sweep()).toEqual(part);
    expect(await inbox.missing(names(0, 250))).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('are kept in sight while others are pushed on top of them', async () => {
    fail(['missing']);
    const sweeps = sweeper();
    await sweeps.sweep();
    for (let day = 1; day < 3; day++) {
      nowMs += DAY_MS - 60_000;
      for (const guid of names(0, 20)) hooks.list(`${day}-${guid}`, 202);
      await waitLong();
      const before = hooks.pagesRead;
      expect(await sweeps.sweep()).toEqual(['missing']);
      // What was read before is not read again.
      expect(hooks.pagesRead - before).toBe(1);
    }
    nowMs += 2 * DAY_MS;
    await waitLong();
    // Sent again a day ago it would still be there, but not three days after the newest sending.
    expect(await sweeps.sweep()).toEqual(['missing']);
    nowMs += 4 * DAY_MS;
    await waitLong();
    expect(await sweeps.sweep()).toEqual([]);
  });

  it('far down in a long list are found by the sweeps that follow, before younger ones are asked for', async () => {
    fail(['oldest']);
    for (const guid of names(0, 5100)) hooks.list(guid, 202);
    nowMs += 3_600_000;
    fail(['youngest']);
    const sweeps = sweeper();
    expect(await sweeps.sweep()).toEqual([]);
    expect(sweeps.isMore).toBe(true);
    expect(errors).toMatchObject([{ code: 'UNAVAILABLE' }]);
    fail(['later']);
    expect(await sweeps.sweep()).toEqual(['oldest', 'youngest']);
    expect(hooks.pagesRead).toBe(52);
    expect(await sweeps.sweep()).toEqual(['later']);
    expect(errors).toHaveLength(1);
  });

  it('are found from the top again where GitHub does not know the place in its list any more', async () => {
    fail(['oldest']);
    for (const guid of names(0, 5100)) hooks.list(guid, 202);
    const sweeps = sweeper();
    await sweeps.sweep();
    hooks.isCursorLost = true;
    await expect(sweeps.sweep()).rejects.toMatchObject({ status: 422 });
    expect(sweeps.isMore).toBe(false);
    hooks.isCursorLost = false;
    await sweeps.sweep();
    expect(await sweeps.sweep()).toEqual(['oldest']);
  });

  it('that GitHub will not send again do not keep it from the others', async () => {
    fail(['gone', 'there']);
    hooks.refused.add('gone');
    hooks.isServerUp = true;
    expect(await sweeper().sweep()).toEqual(['gone', 'there']);
    expect(hooks.asked).toEqual(['there']);
    expect(errors).toMatchObject([{ status: 404 }]);
  });
});
