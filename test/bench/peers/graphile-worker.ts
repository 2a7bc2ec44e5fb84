import {
  Logger,
  makeWorkerUtils,
  type Runner,
  run as startRunner,
  type Task,
  type WorkerPreset,
} from 'graphile-worker';
import pg from 'pg';
import type { BenchEngine, BenchSetting } from '../engine.ts';
import { graphArguments, installCounterTable, RunLedger, verifyCounterTable } from './counter-table.ts';
import { packageVersion } from './package-version.ts';

interface Step {
  readonly run: number;
  readonly index: number;
}

interface Recording extends Step {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const BATCH_MAX = 512;
/** Batches on their way to the database at once. */
const LANES = 2;
const JOBS_LEFT_POLL_MS = 20;

const JOB_SPECS = `array_agg((select s from json_populate_record(null::graphile_worker.job_spec,
  json_build_object('identifier', 'step', 'payload', json_build_object('run', f.run, 'index', f.index))) s))`;

/** One call records steps in the counter table and enqueues what became free, in one transaction. */
const SCHEMA = `
create or replace function bench_add_jobs(specs graphile_worker.job_spec[]) returns void language plpgsql as $$
begin if specs is not null then perform graphile_worker.add_jobs(specs); end if; end $$;

create or replace function bench_record(runs int[], indexes int[]) returns void language plpgsql as $$
begin perform bench_add_jobs((select ${JOB_SPECS} from graph_finish(runs, indexes) f)); end $$;

create or replace function bench_submit(p_run int, p_open int[], p_successors text[]) returns void language plpgsql as $$
begin
  perform graph_start(p_run, p_open, p_successors);
  perform bench_add_jobs((select ${JOB_SPECS} from graph_step f where f.run = p_run and f.open = 0));
end $$;`;

/**
 * graphile-worker with the counter table.
 *
 * `style:plain` is what its documentation leads to: 10 jobs at a time, each recording its own step. `style:batched` uses
 * everything it has for throughput (local queue, batched job completion), and this adapter also records steps in batches.
 */
export async function create({ database, workload, body, options }: BenchSetting): Promise<BenchEngine> {
  if (database.kind !== 'postgres') throw new Error('graphile-worker needs a Postgres server');
  const isBatched = options.get('style') === 'batched';
  const concurrentJobs = isBatched ? 200 : 10;
  const maxPoolSize = isBatched ? 20 : concurrentJobs + 4;
  const tuning = isBatched
    ? { localQueue: { size: 500, refetchDelay: { durationMs: 0 } }, completeJobBatchDelay: 0 }
    : {};
  const workerPool = makePool(database.url, maxPoolSize);
  const pool = makePool(database.url, 8);
  const ledger = new RunLedger(workload.shape);
  const { open, successors } = graphArguments(workload.shape);
  const recordBatched = makeBatchedRecord(pool);
  const step: Task = async (payload, job) => {
    const { run, index } = payload as Step;
    await body.execute(run, index);
    if (isBatched) await recordBatched({ run, index });
    else await job.query('select bench_record($1::int[], $2::int[])', [[run], [index]]);
    ledger.noteRecorded(run);
  };
  const logger = new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') console.error(message);
  });
  let runner: Runner | undefined;
  return {
    version: packageVersion('graphile-worker'),
    settings: {
      concurrentJobs,
      maxPoolSize,
      ...(isBatched ? { localQueue: 500, completeJobBatchDelay: 0, recordLanes: LANES } : {}),
    },
    async start() {
      const set = await makeWorkerUtils({ pgPool: workerPool, logger });
      await set.migrate();
      await set.release();
      await installCounterTable(pool);
      await pool.query(SCHEMA);
      const worker = { concurrentJobs, maxPoolSize, logger, pollInterval: 1000, ...tuning };
      runner = await startRunner({ taskList: { step }, pgPool: workerPool, preset: { worker }, noHandleSignals: true });
    },
    async submit(run) {
      await pool.query({
        name: 'submit',
        text: 'select bench_submit($1, $2::int[], $3::text[])',
        values: [run, open, successors],
      });
    },
    settle: (run) => ledger.ended(run),
    async drain() {
      for (;;) {
        const { rows } = await pool.query('select count(*)::int as left from graphile_worker._private_jobs');
        if (rows[0].left === 0) return;
        await new Promise((resolve) => setTimeout(resolve, JOBS_LEFT_POLL_MS));
      }
    },
    verify: () => verifyCounterTable(pool, workload.firstRun, workload.runs * workload.shape.size),
    async close() {
      await runner?.stop();
      await workerPool.end().catch(() => {}); // stop() may have ended it
      await pool.end();
    },
  };
}

/** Group commit: what finishes while the lanes are busy goes out together. */
function makeBatchedRecord(pool: pg.Pool): (step: Step) => Promise<void> {
  let waiting: Recording[] = [];
  let busyLanes = 0;
  const flush = async (): Promise<void> => {
    if (busyLanes >= LANES || waiting.length === 0) return;
    busyLanes++;
    const batch = waiting.slice(0, BATCH_MAX);
    waiting = waiting.slice(BATCH_MAX);
    try {
      const values = [batch.map((step) => step.run), batch.map((step) => step.index)];
      await pool.query({ name: 'record', text: 'select bench_record($1::int[], $2::int[])', values });
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    busyLanes--;
    void flush();
  };
  return ({ run, index }) =>
    new Promise((resolve, reject) => {
      waiting.push({ run, index, resolve, reject });
      queueMicrotask(() => void flush());
    });
}

function makePool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  pool.on('error', (error) => console.error(error));
  pool.on('connect', (client) => client.on('error', () => {})); // the pool reports it too
  return pool;
}
