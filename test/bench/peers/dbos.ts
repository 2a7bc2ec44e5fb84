import { DBOS, type WorkflowHandle } from '@dbos-inc/dbos-sdk';
import type { BenchEngine, BenchSetting } from '../engine.ts';
import { forEachLimited } from '../statistics.ts';
import { levelsOf } from '../workloads.ts';
import { packageVersion } from './package-version.ts';

/** Steps in flight within one workflow: above this DBOS gets slower, not faster. */
const STEPS_IN_FLIGHT_MAX = 100;
const POOL_SIZE = 20;

/**
 * DBOS: a run is one workflow started in this process, a step is one `DBOS.runStep`. This is its fastest form (steps are
 * not handed to other processes); enqueued workflows are about a third slower.
 */
export async function create({ database, workload, body }: BenchSetting): Promise<BenchEngine> {
  if (database.kind !== 'postgres') throw new Error('DBOS needs a Postgres server');
  const levels = levelsOf(workload.shape);
  const handles = new Map<number, WorkflowHandle<void>>();
  const runGraph = DBOS.registerWorkflow(
    async (run: number): Promise<void> => {
      for (const level of levels) {
        await forEachLimited(level.length, STEPS_IN_FLIGHT_MAX, async (place) => {
          const step = level[place] ?? 0;
          await DBOS.runStep(() => body.execute(run, step), { name: `step-${step}` });
        });
      }
    },
    { name: 'run-graph' },
  );
  return {
    version: packageVersion('@dbos-inc/dbos-sdk'),
    settings: { systemDatabasePoolSize: POOL_SIZE, stepsInFlightMax: STEPS_IN_FLIGHT_MAX },
    async start() {
      DBOS.setConfig({
        name: 'maestro-bench',
        systemDatabaseUrl: database.url,
        systemDatabasePoolSize: POOL_SIZE,
        logLevel: 'error',
      });
      await DBOS.launch();
    },
    async submit(run) {
      handles.set(run, await DBOS.startWorkflow(runGraph)(run));
    },
    async settle(run) {
      await handles.get(run)?.getResult();
    },
    async drain() {
      for (const handle of handles.values()) await handle.getResult();
    },
    async verify() {
      const ended = await DBOS.listWorkflows({
        status: 'SUCCESS',
        workflowIDs: [...handles.values()].map((handle) => handle.workflowID),
      });
      if (ended.length !== workload.runs)
        throw new Error(`expected ${workload.runs} workflows to succeed, found ${ended.length}`);
      return { succeeded: ended.length };
    },
    async close() {
      await DBOS.shutdown();
    },
  };
}
