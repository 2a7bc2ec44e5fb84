import type { JsonObject } from '../../base/json.ts';
import type { WorkerSession } from '../lease.ts';
import type { Isolation } from '../outcome.ts';
import { ANY_OBJECT, ISOLATION, object, text, whole } from './schema.ts';

/** What a worker says of itself, once. Its job's identity token, made for the server's public URL, goes with it as `Authorization: Bearer`. */
interface JobHello {
  readonly name: string;
  /** Steps at once. */
  readonly capacity: number;
  readonly isolation: Isolation;
}

/**
 * Goes with every registration. The identity token of a job is good for one registration; its process makes up a key, and
 * may register with it again where the answer was lost.
 */
export interface RegistrationKey {
  readonly key: string;
}

/** Registers the job that was dispatched under this id. */
export interface Registration extends JobHello {
  readonly dispatchId: string;
}

/** Starts a run for the commit of a job in a user's own workflow, and registers the job to serve it. */
export interface RunStart extends JobHello {
  readonly pipeline: string;
  readonly params: JsonObject;
}

export interface Registered {
  /** Goes as `Authorization: Bearer` with every call from now on. */
  readonly sessionToken: string;
  readonly session: WorkerSession;
  /** Public id of the one run that is served. */
  readonly run: string;
  readonly class: string;
  readonly checkout: { readonly owner: string; readonly repo: string; readonly sha: string };
}

const JOB_HELLO: JsonObject = {
  name: text(256, { minLength: 1 }),
  capacity: whole(1, 512),
  isolation: ISOLATION,
  key: text(128, { minLength: 32 }),
};

export const REGISTRATION: JsonObject = object({ ...JOB_HELLO, dispatchId: text(64, { minLength: 1 }) });

export const RUN_START: JsonObject = object({
  ...JOB_HELLO,
  pipeline: text(1024, { minLength: 1 }),
  params: ANY_OBJECT,
});

export const REGISTERED: JsonObject = object({
  sessionToken: text(128),
  session: object({
    workerId: whole(1, 2_147_483_647),
    renewEveryMs: whole(1, 3_600_000),
    expireAfterMs: whole(1, 3_600_000),
  }),
  run: text(64),
  class: text(256),
  checkout: object({ owner: text(256), repo: text(256), sha: text(64) }),
});
