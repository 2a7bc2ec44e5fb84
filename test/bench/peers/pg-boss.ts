import pg from 'pg';
import { PgBoss } from 'pg-boss';
import type { BenchEngine, BenchSetting } from '../engine.ts';
import { graphArguments, installCounterTable, RunLedger, verifyCounterTable } from './counter-table.ts';
import { packageVersion } from './package-version.ts';

interface Step {
  readonly run: number;
  readonly index: number;
}

const QUEUE = 'step';
const BATCH_SIZE = 100;
const WORKERS = 2;
const POOL_SIZE = 20;
/** Its least; new jobs are announced by NOTIFY, so this is the fallback. */
const POLL_SECONDS = 0.5;
const JOBS_LEFT_POLL_MS = 20;

/**
 * pg-boss with the counter table and its transactional workers: the completion of a batch, the countdown and the insertion
 * of what became free are one transaction. Its own flows are released by a background loop once a second, which is slower.
 */
export async function create({ database, workload, body }: BenchSetting): Promise<BenchEngine> {
  if (database.kind !== 'postgres') throw new Error('pg-boss needs a Postgres server');
  const boss = new PgBoss({ connectionString: database.url, max: POOL_SIZE, useListenNotify: true, schedule: false });
  boss.on('error', (error) => console.error(error));
  const pool = new pg.Pool({ connectionString: database.url, max: 8 });
  const ledger = new RunLedger(workload.shape);
  const { open, successors, roots } = graphArguments(workload.shape);
  return {
    version: packageVersion('pg-boss'),
    settings: {
      batchSize: BATCH_SIZE,
      localConcurrency: WORKERS,
      useListenNotify: true,
      max: POOL_SIZE,
      pollingIntervalSeconds: POLL_SECONDS,
    },
    async start() {
      await boss.start();
      if (!(await boss.getQueue(QUEUE))) await boss.createQueue(QUEUE, { notify: true, retryLimit: 2 });
      await installCounterTable(pool);
      const polling = { pollingIntervalSeconds: POLL_SECONDS, notifyPollingIntervalSeconds: POLL_SECONDS };
      const tuning = {
        batchSize: BATCH_SIZE,
        localConcurrency: WORKERS,
        burstWhenBatchFull: true,
        transactional: true,
        ...polling,
      } as const;
      await boss.work<Step, void, typeof tuning>(QUEUE, tuning, async (jobs, transaction) => {
        await Promise.all(jobs.map(({ data }) => body.execute(data.run, data.index)));
        const values = [jobs.map(({ data }) => data.run), jobs.map(({ data }) => data.index)];
        const { rows } = await transaction.executeSql(
          'select run, index from graph_finish($1::int[], $2::int[])',
          values,
        );
        if (rows.length > 0)
          await boss.insert(
            QUEUE,
            rows.map((data: Step) => ({ data })),
            { db: transaction },
          );
        for (const { data } of jobs) ledger.noteRecorded(data.run);
      });
    },
    async submit(run) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await client.query('select graph_start($1, $2::int[], $3::text[])', [run, open, successors]);
        const db = { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
        await boss.insert(
          QUEUE,
          roots.map((index) => ({ data: { run, index } })),
          { db },
        );
        await client.query('commit');
      } finally {
        client.release();
      }
    },
    async settle(run) {
      await ledger.ended(run);
      await committed(pool, run);
    },
    async drain() {
      for (;;) {
        const { rows } = await pool.query(
          `select count(*)::int as left from pgboss.job where name = $1 and state < 'completed'`,
          [QUEUE],
        );
        if (rows[0].left === 0) return;
        await new Promise((resolve) => setTimeout(resolve, JOBS_LEFT_POLL_MS));
      }
    },
    verify: () => verifyCounterTable(pool, workload.firstRun, workload.runs * workload.shape.size),
    async close() {
      await boss.stop({ graceful: false });
      await pool.end();
    },
  };
}

/** The worker commits after its handler returned, out of this adapter's sight. */
async function committed(pool: pg.Pool, run: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query('select bool_and(is_done) as is_done from graph_step where run = $1', [run]);
    if (rows[0].is_done) return;
  }
}
