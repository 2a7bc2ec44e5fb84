import { afterEach, beforeEach, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import type { HttpLeaseClient } from '../../../src/worker/http-lease-client.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';
import { DONE, FAILED, World } from '../engine/world.ts';
import { FarServer } from './far-server.ts';

const NEVER = new AbortController().signal;
const HOUR_MS = 3_600_000;

onEveryDatabase('the session of a worker', (url) => {
  let fresh: FreshDatabase;
  let world: World;
  let now: number;
  const server = new FarServer();

  beforeEach(async () => {
    now = SYSTEM_CLOCK.now();
    fresh = await freshDatabase(url);
    world = await World.open(await fresh.open());
    await server.listen(world.engine, world.db, { clock: { now: () => now } });
  });
  afterEach(async () => {
    await server.close();
    await world.close();
    await world.db.close();
    await fresh.drop();
  });

  const begin = async (...ids: readonly string[]): Promise<{ run: number; client: HttpLeaseClient }> => {
    const run = await world.start(
      ids.map((id) => planStep(id)),
      { isDedicated: true },
    );
    const client = server.client({ run: (await world.engine.readRun(run)).id, class: '*' });
    await client.open();
    return { run, client };
  };
  const take = async (client: HttpLeaseClient): Promise<Lease> =>
    (await client.acquire(0, 1, 5000, NEVER))[0] ?? expect.fail('nothing to lease');

  it('ends no step of another run, and learns nothing of those that have ended there', async () => {
    const [mine, other] = [await begin('a'), await begin('b', 'c', 'd')];
    const [won, lost] = [await take(other.client), await take(other.client)];
    await other.client.complete(0, [{ ...won, outcome: DONE }], 0);
    await other.client.complete(0, [{ ...lost, outcome: FAILED }], 0);
    for (const outcome of [DONE, FAILED]) {
      const completions = [won, lost].map(({ stepId, fence }) => ({ stepId, fence, outcome }));
      expect((await mine.client.complete(0, completions, 0)).answers).toEqual(['lost', 'lost']);
      expect((await other.client.complete(0, completions, 0)).answers).toEqual(['recorded', 'recorded']);
    }
    expect(await world.statuses(other.run)).toMatchObject({ b: 'succeeded', c: 'failed' });
  });

  it('lasts as long as its worker says that it lives, but no longer than five days', async () => {
    const { client } = await begin('a');
    const lease = await take(client);
    for (let hours = 6; hours < 120; hours += 6) {
      now += 6 * HOUR_MS;
      expect(await client.renew(0, [lease])).toEqual({ lost: [] });
    }
    now += 6 * HOUR_MS - 1000;
    expect(await client.renew(0, [lease])).toEqual({ lost: [] });
    now += 1000;
    await expect(client.renew(0, [lease])).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('ends when its worker is silent, and lasts no longer for one whose run is over or that has left', async () => {
    const [silent, over, gone] = [await begin('a'), await begin('a'), await begin('a')];
    await world.engine.cancelRun(over.run, 'not needed');
    now += 6 * HOUR_MS;
    await over.client.renew(0, []);
    await gone.client.renew(0, []);
    await gone.client.leave(0);
    await expect(gone.client.renew(0, [])).rejects.toMatchObject({ code: 'LEASE_LOST' });
    now += HOUR_MS;
    for (const { client } of [silent, over, gone])
      await expect(client.renew(0, [])).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

// The embedded database has one connection: nobody waits for a lock there.
describeWith('postgres', 'a worker that names ended steps', (url) => {
  it('waits for no lock of their runs, and takes none', async () => {
    const fresh = await freshDatabase(url);
    const world = await World.open(await fresh.open());
    const run = await world.start([planStep('a', { retry: { ...planStep('a').retry, max: 0 } }), planStep('b')]);
    const worker = await world.worker();
    const lease = await worker.run('a', FAILED);
    await world.db.transaction(async (session) => {
      await session.query('', `select pg_advisory_xact_lock(7309, ${run % 256})`, []);
      expect(await worker.complete(lease, FAILED)).toBe('recorded');
      expect(await worker.complete({ ...lease, fence: lease.fence + 1 }, FAILED)).toBe('lost');
    });
    await world.engine.cancelRun(run, 'over');
    await world.close();
    await world.db.close();
    await fresh.drop();
  });
});
