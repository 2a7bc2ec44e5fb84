import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import { digestBytes } from '../../../src/base/digest.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { readBundle } from '../../../src/policy/bundle.ts';
import { openPolicy, type PolicyEngine } from '../../../src/policy/evaluate.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { openEmbedded } from '../../../src/store/embedded.ts';
import { openPostgres } from '../../../src/store/postgres.ts';
import { runWorker } from '../../../src/worker/loop.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import type { CreateEngine } from '../engine.ts';
import { openBenchEngine } from './open-engine.ts';

const POLICY = resolve(import.meta.dirname, '../../../policy/dist');
const NOTHING_SAID = { verdict: 'allow', reasons: [], obligations: [] } as const;
const SUCCEEDED: Outcome = { kind: 'succeeded' };

/** Allows without being asked: what is left of a step's cost when policy costs nothing. */
function permissive(rules: PolicyEngine): PolicyEngine {
  const { packDigest, revision, entrypoint, data } = rules;
  const decision = { ...NOTHING_SAID, packDigest, inputDigest: digestBytes('anything') };
  return {
    packDigest,
    revision,
    entrypoint,
    data,
    evaluate: () => decision,
    evaluateKeyed: () => decision,
    explain: () => [],
  };
}

/**
 * The product's own path: policy on every run and step, events, receipts, the worker's loop over the lease protocol. Only
 * the executor is a no-op. Receipts are signed while the load runs; `verify` waits for the last of them and says how long that took.
 */
export const create: CreateEngine = async ({ database, workload, body, options }) => {
  const db = database.kind === 'postgres' ? await openPostgres(database.url) : await openEmbedded(database.folder);
  const folder = await mkdtemp(join(tmpdir(), 'maestro-bench-'));
  const [wasm, manifest] = await Promise.all([
    readFile(join(POLICY, 'policy.wasm')),
    readFile(join(POLICY, 'manifest.json')),
  ]);
  const capacity = Number(options.get('capacity') ?? 1024);
  const steps = workload.shape.needs.map((needs, step) =>
    planStep(`s${step}`, { needs: needs.map((need) => `s${need}`) }),
  );
  const plan = planOf(steps, { name: 'bench' });
  const stop = new AbortController();
  let engine: Engine;
  let worker: Promise<unknown>;
  const runs = new Map<number, number>();
  const query = async (text: string): Promise<number> => Number((await db.query('', text, []))[0]?.[0]);
  const settle = async (run: number): Promise<void> => {
    // The end of the run as the engine recorded it; its receipt follows.
    while ((await query(`select state from run where id = ${runs.get(run) ?? 0}`)) < 3) await wait(1);
  };
  return {
    version: '0',
    settings: { capacity },
    start: async () => {
      const rules = await openPolicy(readBundle({ wasm, manifest }));
      engine = await openBenchEngine(db, folder, options.get('policy') === 'none' ? permissive(rules) : rules, rules);
      // As a pipeline is compiled before it is run, and the peers' workflows are registered before they are.
      await engine.preview({ plan, trigger: TRIGGER });
      worker = runWorker({
        client: engine.leases,
        hello: { name: 'bench', runners: ['*'], capacity },
        clock: SYSTEM_CLOCK,
        signal: stop.signal,
        execute: ({ lease }) => {
          const index = Number(lease.step.id.slice(1));
          const done = body.execute(Number(lease.contexts.github.run_number), index);
          return done === undefined ? SUCCEEDED : done.then(() => SUCCEEDED);
        },
      });
    },
    submit: async (run) => {
      const started = await engine.startRun({ plan, trigger: { ...TRIGGER, github: { run_number: run } } });
      runs.set(run, started.run);
    },
    settle,
    drain: async () => {
      while ((await query('select count(*)::int from run where state < 3')) > 0) await wait(2);
    },
    verify: async () => {
      const begin = performance.now();
      await engine.seal();
      const receiptsLagMs = Math.round(performance.now() - begin);
      const [row] = await db.query(
        '',
        'select count(*) filter (where state = 5)::int, count(*)::int, (select count(*)::int from run where state = 3), (select count(*)::int from receipt), (select count(*)::int from event) from step',
        [],
      );
      return {
        stepsSucceeded: Number(row?.[0]),
        steps: Number(row?.[1]),
        runsSucceeded: Number(row?.[2]),
        receipts: Number(row?.[3]),
        events: Number(row?.[4]),
        receiptsLagMs,
      };
    },
    close: async () => {
      stop.abort();
      await worker;
      await engine.close();
      await db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
