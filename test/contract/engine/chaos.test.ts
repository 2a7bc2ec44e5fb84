import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { localPrincipal } from '../../../src/base/principal.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Lease, StepId } from '../../../src/protocol/lease.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { Database } from '../../../src/store/database.ts';
import { planOf, planStep } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';
import { randomSteps } from '../../unit/engine/random-plans.ts';
import { World } from './world.ts';

const ENGINES = 3;
const WORKERS_EACH = 3;
const RUNS = Number(process.env.MAESTRO_TEST_CHAOS_RUNS ?? 60);
const SEED = Number(process.env.MAESTRO_TEST_CHAOS_SEED ?? 7);
const TIMES = { renewEveryMs: 60, expireAfterMs: 400, sweepEveryMs: 100 };

/** Small and seeded, so that a failure can be looked at again. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Completions that were answered `recorded` and ended their attempt, by step and fence. */
type Ledger = Map<string, number>;

/** A worker that ends its steps at random, and now and then dies with what it holds. */
async function work(engine: Engine, roll: () => number, ledger: Ledger, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const session = await engine.leases.register({
      name: `chaos-${randomBytes(4).toString('hex')}`,
      runners: ['*'],
      capacity: 8,
    });
    const held = new Map<StepId, Lease>();
    const life = new AbortController();
    const beat = setInterval(() => {
      engine.leases
        .renew(
          session.workerId,
          [...held.values()].map(({ stepId, fence }) => ({ stepId, fence })),
        )
        .catch(() => life.abort());
    }, TIMES.renewEveryMs);
    try {
      await live(engine, session.workerId, held, roll, ledger, AbortSignal.any([stop, life.signal]));
    } finally {
      clearInterval(beat);
    }
  }
}

/** Returns when the worker dies: it says nothing to anybody. */
async function live(
  engine: Engine,
  worker: number,
  held: Map<StepId, Lease>,
  roll: () => number,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    if (held.size === 0)
      for (const lease of await engine.leases.acquire(worker, 8, 100, stop)) held.set(lease.stepId, lease);
    if (roll() < 0.03) return;
    const batch = [...held.values()].filter(() => roll() < 0.7);
    if (batch.length === 0) continue;
    const completions = batch.map(({ stepId, fence, step }) => ({ stepId, fence, outcome: outcomeOf(step, roll) }));
    for (const { stepId } of batch) held.delete(stepId);
    const { answers, leases } = await engine.leases.complete(worker, completions, roll() < 0.5 ? 8 : 0);
    completions.forEach(({ stepId, fence }, i) => {
      const key = `${stepId}@${fence}`;
      if (answers[i] === 'recorded') ledger.set(key, (ledger.get(key) ?? 0) + 1);
    });
    for (const lease of leases) held.set(lease.stepId, lease);
  }
}

function outcomeOf(step: PlanStep, roll: () => number): Outcome {
  const luck = roll();
  if (luck < 0.15) return { kind: 'failed', errorClass: 'step', message: 'bad luck' };
  if (luck < 0.2) return { kind: 'retry-later', message: 'not now' };
  const isDone = step.loop === undefined || luck < 0.7;
  return { kind: 'succeeded', ...(isDone ? { outputs: { done: 'yes' } } : {}) };
}

const WIDE: readonly PlanStep[] = [
  ...Array.from({ length: 24 }, (_, i) => planStep(`w${i}`)),
  ...Array.from({ length: 24 }, (_, i) => planStep(`x${i}`, { needs: [`w${i}`, `w${(i + 7) % 24}`], if: 'always()' })),
  ...Array.from({ length: 24 }, (_, i) => planStep(`y${i}`, { needs: [`w${(i + 3) % 24}`] })),
];

describeWith('postgres', 'three engines on one Postgres whose workers die at random', (url) => {
  let fresh: FreshDatabase;
  const worlds: World[] = [];
  let looker: Database;

  beforeAll(async () => {
    fresh = await freshDatabase(url);
    for (let i = 0; i < ENGINES; i++) worlds.push(await World.open(await fresh.open(), { times: TIMES }));
    looker = await fresh.open();
  });
  afterAll(async () => {
    for (const world of worlds) await world.close();
    for (const world of worlds) await world.db.close();
    await looker.close();
    await fresh.drop();
  });

  it('end every run, in order, no attempt twice, without a deadlock', { timeout: 240_000 }, async () => {
    const roll = dice(SEED);
    const plans = [
      ...fc.sample(randomSteps, { numRuns: RUNS - 6, seed: SEED }),
      ...Array.from({ length: 6 }, () => WIDE),
    ];
    for (const world of worlds) world.isPatient = true;
    const ledger: Ledger = new Map();
    const stop = new AbortController();
    const workers = worlds.flatMap((world) =>
      Array.from({ length: WORKERS_EACH }, () => work(world.engine, roll, ledger, stop.signal)),
    );
    const people = persuade(worlds, roll, stop.signal);
    try {
      const runs = await Promise.all(plans.map((plan, i) => worlds[i % ENGINES]!.start(plan)));
      const ends = await Promise.allSettled(runs.map((run, i) => worlds[(i + 1) % ENGINES]!.end(run)));
      const broken = ends.flatMap((end, i) =>
        end.status === 'rejected' ? [`run ${runs[i]}: ${String(end.reason)}`] : [],
      );
      expect(broken).toEqual([]);
    } finally {
      stop.abort();
      await Promise.allSettled([...workers, people]);
    }
    await Promise.all([...workers, people]);
    expect(
      [...ledger].filter(([, times]) => times > 1),
      'no attempt is recorded twice',
    ).toEqual([]);
    const open = await looker.query('', 'select count(*)::int from run where state < 3', []);
    expect(open).toEqual([[0]]);
    await looker.query('', 'select pg_stat_force_next_flush()', []);
    const [deadlocks] = await looker.query(
      '',
      'select deadlocks::int from pg_stat_database where datname = current_database()',
      [],
    );
    expect(deadlocks, 'deadlocks').toEqual([0]);
  });

  it('let one run of a group run at a time, whichever engine starts it', async () => {
    const plan = planOf([planStep('a')], { name: 'grouped', concurrency: { group: 'one', cancelInProgress: false } });
    const stop = new AbortController();
    let most = 0;
    const watch = (async () => {
      while (!stop.signal.aborted) {
        const [row] = await looker.query(
          '',
          `select count(*)::int from run where concurrency_group is not null and state in (1, 2)`,
          [],
        );
        most = Math.max(most, Number(row?.[0]));
      }
    })();
    const workers = worlds.map((world) => work(world.engine, () => 0.5, new Map(), stop.signal));
    const runs = await Promise.all(Array.from({ length: 24 }, (_, i) => worlds[i % ENGINES]!.start(plan)));
    const ends = await Promise.all(runs.map((run, i) => worlds[i % ENGINES]!.end(run)));
    stop.abort();
    await Promise.allSettled([...workers, watch]);
    expect(most).toBe(1);
    const begun = ends.filter((end) => end.startedAt !== null);
    expect(begun.length).toBeGreaterThan(0);
    expect(
      begun.filter((end) => end.status !== 'succeeded'),
      'nobody is cancelled who has begun',
    ).toEqual([]);
  });

  it('tell the same events to every follower, whichever engine it asks', async () => {
    const [first] = await looker.query('', 'select max(id)::int from run', []);
    const run = Number(first?.[0]);
    const all = await Promise.all(worlds.map((world) => world.events(run)));
    for (const events of all) expect(events).toEqual(all[0]);
  });
});

/** Answers what waits for people, and cancels a run now and then. */
async function persuade(worlds: readonly World[], roll: () => number, stop: AbortSignal): Promise<void> {
  for (let turn = 0; !stop.aborted; turn++) {
    const world = worlds[turn % worlds.length]!;
    const held = await world.sql('select run_id, idx from step where state = 1 and hold in (0, 1, 7)');
    for (const [run, idx] of held) {
      const view = await world.engine.readRun(Number(run));
      const gate = view.steps.find((step, i) => i === Number(idx) && step.hold)?.id;
      if (gate === undefined) continue;
      const decision = roll() < 0.8 ? 'approve' : 'deny';
      const answer = { gate, decision, reason: '', principal: localPrincipal('bo'), isAuthor: false } as const;
      await world.engine.answerGate(Number(run), answer).catch((error: { code?: string }) => {
        if (error.code !== 'GATE_NOT_OPEN') throw error;
      });
    }
    if (roll() < 0.3) {
      const [active] = await world.sql('select id from run where state = 1 order by random() limit 1');
      if (active) await world.engine.cancelRun(Number(active[0]), 'chaos');
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
