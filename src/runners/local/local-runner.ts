import { SYSTEM_CLOCK } from '../../base/clock.ts';
import type { LeaseClient } from '../../protocol/lease.ts';
import type { ExecuteTools } from '../../worker/attempt-scope.ts';
import { stepExecutor } from '../../worker/execute.ts';
import { runWorker } from '../../worker/loop.ts';
import { openReaper } from '../../worker/reaper.ts';
import { localWorkerName } from './worker-name.ts';

export interface LocalRunnerOptions {
  readonly client: LeaseClient;
  readonly tools: Omit<ExecuteTools, 'client' | 'runnerName' | 'workerToken'>;
  /** The one run that is served: others may belong to another checkout. */
  readonly run: string;
  /** What steps see as `runner.name`. */
  readonly name: string;
  /** Steps at once. */
  readonly capacity: number;
}

export interface LocalRunner {
  /** Rejects where the conductor refuses the worker. */
  readonly ended: Promise<unknown>;
  /** Finishes what is held, takes no more. */
  drain(): Promise<unknown>;
  /** Stops what is held and gives it back. */
  abandon(): Promise<unknown>;
}

/** A worker in this process that serves one run, whatever runner classes its steps ask for. */
export function startLocalRunner({ client, tools, run, name, capacity }: LocalRunnerOptions): LocalRunner {
  const draining = new AbortController();
  const abandoning = new AbortController();
  const reaper = openReaper();
  const workerToken = reaper.token;
  const ended = runWorker({
    client,
    hello: { name: localWorkerName(workerToken), runners: ['*'], capacity, run },
    execute: stepExecutor({ ...tools, client, runnerName: name, workerToken }),
    clock: SYSTEM_CLOCK,
    signal: draining.signal,
    abandon: abandoning.signal,
  }).finally(() => reaper.close());
  return {
    ended,
    drain: () => {
      draining.abort();
      return ended;
    },
    abandon: () => {
      abandoning.abort();
      return ended;
    },
  };
}
