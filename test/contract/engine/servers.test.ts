import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { StartRun } from '../../../src/protocol/client.ts';
import type { Database } from '../../../src/store/database.ts';
import { openTestEngine } from '../../fakes/engine.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';
import { onEveryStore } from './engines.ts';
import { FAILED, TestWorker, type World } from './world.ts';

const NO_RETRY = { max: 0, on: [], backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 'none' } } as const;

/** What is said to the database by name, with its parameters. */
function listened(db: Database): { readonly db: Database; readonly said: (name: string) => readonly unknown[][] } {
  const said: { name: string; values: unknown[] }[] = [];
  const query: Database['query'] = (name, text, values) => {
    said.push({ name, values: [...values] });
    return db.query(name, text, values);
  };
  return {
    db: new Proxy(db, {
      get: (target, key) => {
        if (key === 'query') return query;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }),
    said: (name) => said.filter((one) => one.name === name).map(({ values }) => values),
  };
}

async function endedRun(w: World): Promise<number> {
  const run = await w.start([planStep('a', { retry: NO_RETRY })]);
  await (await w.worker()).run('a', FAILED);
  await w.end(run);
  return run;
}

onEveryStore('dedicated runs of a server', (world) => {
  it('leave no queue and no waiting step behind, however they ended', async () => {
    const w = world();
    const open = await w.start([planStep('a')], { isDedicated: true });
    const cancelled = await w.start([planStep('a'), planStep('b', { runner: 'gpu' })], { isDedicated: true });
    await w.engine.cancelRun(cancelled, 'enough');
    await w.end(cancelled);
    const twice = { isDedicated: true, idempotencyKey: 'once' };
    expect(await w.start([planStep('a')], twice)).toBe(await w.start([planStep('a')], twice));
    await w.sql(`insert into queue (pool, class) values ('@01h00000000000000000000000', 'never born')`);
    await w.engine.resumeRun(open);
    const pools = await w.sql(
      `select q.class, r.state from queue q left join run r on '@' || r.key = q.pool where q.pool <> '' order by q.id`,
    );
    // The third is that of the run which was not started again: it may be about to be, for an hour.
    expect(pools).toEqual([
      ['linux', 1],
      ['linux', 1],
      ['linux', null],
    ]);
    expect(await w.sql('select count(*)::int from ready')).toEqual([[2]]);
  });

  it('are retried once under one key, whoever asks at the same moment', async () => {
    const w = world();
    const run = await endedRun(w);
    const again = await Promise.all([1, 2, 3].map(() => w.engine.retryRun(run, { type: 'failed' }, 'pressed')));
    expect(new Set(again).size).toBe(1);
    await (await w.worker()).run('a');
    expect((await w.end(again[0] as number)).status).toBe('succeeded');
  });
});

describeWith('postgres', 'servers on one database', (url) => {
  let fresh: FreshDatabase;
  const open: { readonly engine: Engine; readonly db: Database }[] = [];

  beforeAll(async () => {
    fresh = await freshDatabase(url);
  });

  afterEach(async () => {
    for (const { engine, db } of open.splice(0)) {
      await engine.close();
      await db.close();
    }
  });

  afterAll(() => fresh.drop());

  async function server(expireAfterMs = 30_000) {
    const { db, said } = listened(await fresh.open());
    const engine = await openTestEngine(db, { times: { renewEveryMs: 10_000, expireAfterMs, sweepEveryMs: 20 } });
    open.push({ engine, db });
    return { engine, db, said };
  }

  function dedicated(steps: readonly PlanStep[]): StartRun {
    return { plan: planOf(steps), trigger: TRIGGER, isDedicated: true };
  }

  it('look after a dedicated run that another one started and left: what its dead worker held, its timers, its receipt', async () => {
    const [first, second] = [await server(), await server(200)];
    const wait = planStep('w', { kind: 'wait', needs: ['a'], with: { for: '1s' } });
    const { run } = await first.engine.startRun(dedicated([planStep('a'), wait]));
    const name = { run: (await first.engine.readRun(run)).id };
    await (await TestWorker.register(first.engine, name)).take('a');
    for (const { engine, db } of open.splice(0, 1)) {
      await engine.close();
      await db.close();
    }
    await (await TestWorker.register(second.engine, name)).run('a');
    expect(await second.engine.waitForRun(run, AbortSignal.timeout(10_000))).toBe('ended');
    await expect.poll(async () => (await second.engine.readRun(run)).receipt?.status).toBe('signed');
    expect((await second.engine.readRun(run)).steps[0]).toMatchObject({ status: 'succeeded', attempts: 2 });
  });

  it('start a commit once where both are told of it at the same moment', async () => {
    const servers = [await server(), await server()];
    const request = { ...dedicated([planStep('a')]), idempotencyKey: 'a commit' };
    const started = await Promise.all([...servers, ...servers].map(({ engine }) => engine.startRun(request)));
    expect(new Set(started.map(({ run }) => run)).size).toBe(1);
    expect(started.filter(({ isNew }) => isNew)).toHaveLength(1);
  });

  it('retry a run once where both are asked at the same moment', async () => {
    const [first, second] = [await server(), await server()];
    const { run } = await first.engine.startRun(dedicated([planStep('a')]));
    const worker = await TestWorker.register(first.engine, { run: (await first.engine.readRun(run)).id });
    await worker.run('a');
    await first.engine.waitForRun(run, AbortSignal.timeout(10_000));
    for (let times = 0; times < 10; times++) {
      const asked = [first, second].map(({ engine }) => engine.retryRun(run, { type: 'all' }, `press ${times}`));
      expect(new Set(await Promise.all(asked)).size).toBe(1);
    }
  });

  it('name no single run in what they ask each second, however many they started', async () => {
    const { engine, said } = await server();
    for (let i = 0; i < 3; i++) {
      const { run } = await engine.startRun(dedicated([planStep('a')]));
      await (await TestWorker.register(engine, { run: (await engine.readRun(run)).id })).run('a');
      await engine.resumeRun(run);
    }
    expect(said('timers_due').at(-1)).toContain('{"","@"}');
    const before = said('queues_of_pool').length;
    await engine.startRun(dedicated([planStep('a')]));
    expect(
      said('queues_of_pool')
        .slice(before)
        .filter(([pool]) => pool !== ''),
    ).toEqual([]);
  });
});
