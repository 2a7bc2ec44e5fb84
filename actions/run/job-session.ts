import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseClient } from '../../src/protocol/lease.ts';
import type { Isolation } from '../../src/protocol/outcome.ts';
import { isRunFinal, type RunStatus } from '../../src/protocol/run.ts';
import type { Registered, Registration, RunStart } from '../../src/protocol/wire/registration.ts';
import { type HttpLeaseClient, openHttpLeaseClient } from '../../src/worker/http-lease-client.ts';
import type { Settings } from './settings.ts';

/** The run ends when its last outcome is settled, a moment after the worker hears that nothing is left. */
const LOOKS_MAX = 30;
const LOOK_PAUSE_MS = 500;

/** A job that has shown who it is. */
export interface JobSession {
  readonly registered: Registered;
  readonly client: LeaseClient;
  /** What became of the run. The session of a worker that has left can still ask for that. */
  status(): Promise<RunStatus | 'unknown'>;
}

/** Registers the job once. Throws what the server answers: JOB_REFUSED, CONFLICT, UNAUTHENTICATED, POLICY_DENIED. */
export async function openSession(
  settings: Settings,
  identityToken: string,
  isolation: Isolation,
): Promise<JobSession> {
  const { server, errand, runnerName, capacity } = settings;
  const self = { name: runnerName, capacity, isolation };
  const hello: Registration | RunStart =
    errand.kind === 'dispatched'
      ? { ...self, dispatchId: errand.dispatchId }
      : { ...self, pipeline: errand.pipeline, params: errand.params };
  const client = openHttpLeaseClient({
    url: server,
    register: async () => ({ identityToken, hello }),
  });
  const registered = await client.open();
  return { registered, client, status: () => lastStatus(client, errand.kind === 'pipeline') };
}

/** `isAwaited`: the job is about the whole run, which may take a moment to be closed. */
async function lastStatus(client: HttpLeaseClient, isAwaited: boolean): Promise<RunStatus | 'unknown'> {
  try {
    for (let look = 1; ; look++) {
      const { status } = await client.readRun();
      if (!isAwaited || isRunFinal(status) || look === LOOKS_MAX) return status;
      await delay(LOOK_PAUSE_MS);
    }
  } catch {
    // The outputs say so: what the job did, it did.
    return 'unknown';
  }
}
