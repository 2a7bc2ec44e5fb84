import { SYSTEM_CLOCK } from '../../src/base/clock.ts';
import type { LeaseClient } from '../../src/protocol/lease.ts';
import { BUILT_IN_STEPS } from '../../src/steps/built-in.ts';
import { stepExecutor } from '../../src/worker/execute.ts';
import type { StepIsolation, WorkPlaces } from '../../src/worker/isolation.ts';
import { runWorker, type WorkerReport } from '../../src/worker/loop.ts';
import type { Reaper } from '../../src/worker/reaper.ts';
import type { JobEnvironment } from '../job-environment.ts';
import { IdleWatch } from './idle-watch.ts';
import type { StepReporter } from './step-reporter.ts';
import { watchClient } from './watched-client.ts';

/** A runner kills a cancelled job ten seconds after its first signal; a step's own grace must fit in there. */
const KILL_GRACE_MS = 3000;

export interface ServeRequest {
  /** Speaks for the registered session; `register` answers it. */
  readonly client: LeaseClient;
  readonly name: string;
  readonly run: string;
  /** `*` serves all of the run. */
  readonly runnerClass: string;
  readonly capacity: number;
  readonly isolation: StepIsolation;
  readonly places: WorkPlaces;
  readonly hostEnv: JobEnvironment;
  readonly reaper: Reaper;
  readonly reporter: StepReporter;
  /** Without work for this long the worker leaves; undefined: it stays until it is told to go. */
  readonly idleMs: number | undefined;
  /** Finish what is held and go. */
  readonly drain: AbortSignal;
  /** Give back what is held and go. */
  readonly abandon: AbortSignal;
}

/** Serves one class of one run until nothing is left, or until it is told to go. */
export async function serve(request: ServeRequest): Promise<WorkerReport> {
  const { name, run, runnerClass, capacity, isolation, places, reporter, reaper, idleMs } = request;
  const leaving = new AbortController();
  const idle = idleMs === undefined ? undefined : new IdleWatch(idleMs, () => leaving.abort());
  const client = watchClient(request.client, {
    onLease: (lease) => {
      idle?.onLease(lease);
      reporter.onLease(lease);
    },
    onHeld: (held) => idle?.onHeld(held),
    onLog: (chunks) => reporter.onLog(chunks),
    onComplete: (completions, answers) => {
      idle?.onComplete(completions);
      reporter.onComplete(completions, answers);
    },
  });
  const execute = stepExecutor({
    client,
    steps: BUILT_IN_STEPS,
    repositoryRoot: places.repositoryRoot,
    temporaryRoot: places.temporaryRoot,
    hostEnv: stepEnvironment(request),
    runnerName: name,
    workerToken: reaper.token,
    isolation,
    killGraceMs: KILL_GRACE_MS,
  });
  try {
    return await runWorker({
      client,
      hello: { name, runners: [runnerClass], capacity, run, isolation: isolation.kind },
      execute,
      clock: SYSTEM_CLOCK,
      signal: AbortSignal.any([request.drain, leaving.signal]),
      abandon: request.abandon,
    });
  } finally {
    idle?.close();
  }
}

/** Another user has another home, and no name. */
function stepEnvironment({ hostEnv, isolation, places }: ServeRequest): JobEnvironment {
  if (isolation.kind === 'process') return hostEnv;
  return { ...hostEnv, HOME: places.home, USER: undefined, LOGNAME: undefined };
}
