import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import type { AttestRequest } from './attestation.ts';
import type { Annotation, Artifact, Isolation, Outcome } from './outcome.ts';

/** One step of one run: `<run number>.<index>`. */
export type StepId = `${number}.${number}`;

/**
 * Permission to finish one attempt of one step.
 *
 * `fence` grows with every lease of the step and nothing reuses it: whoever names an older one has lost the lease.
 */
export interface Lease {
  readonly stepId: StepId;
  readonly runId: string;
  readonly attempt: number;
  readonly iteration: number;
  readonly fence: number;
  readonly planDigest: Digest;
  /** What to do. For a compensation it is a step made of `compensate`. */
  readonly step: PlanStep;
  /** Everything its templates may read but `secrets`, `runner` and `hashFiles`, which only the worker has. */
  readonly contexts: StepContexts;
  /** Equal for retries of the same iteration: the outside world can dedupe by it. */
  readonly idempotencyKey: string;
}

/** Contexts of GitHub's expression language, by name. `inputs` is `params`. */
export interface StepContexts {
  readonly github: JsonObject;
  readonly git: JsonObject;
  readonly params: JsonObject;
  /** By base id: `{ outputs, result }`; only the ancestors of the step. */
  readonly steps: JsonObject;
  readonly matrix: JsonObject;
  readonly run: JsonObject;
  /** Templates of the plan's own `env`. */
  readonly env: Readonly<Record<string, string>>;
}

export interface HeldLease {
  readonly stepId: StepId;
  readonly fence: number;
}

export interface Completion extends HeldLease {
  readonly outcome: Outcome;
}

/** `recorded`: the outcome counts (also when the same one is sent twice). `lost`: it changed nothing. */
export type CompletionAnswer = 'recorded' | 'lost';

export interface WorkerHello {
  readonly name: string;
  /** Classes that this worker serves, for example `['linux', 'gpu']`; `['*']` serves all. */
  readonly runners: readonly string[];
  readonly capacity: number;
  /** Id of the one run that the worker serves; without it, it serves every run that is not dedicated. */
  readonly run?: string;
  /** How it keeps steps apart from itself. A worker far away gets secrets only with `user` or `container`. */
  readonly isolation?: Isolation;
}

export interface WorkerSession {
  readonly workerId: number;
  readonly renewEveryMs: number;
  /** Without a renewal for this long the worker counts as dead and its steps are leased to others. */
  readonly expireAfterMs: number;
}

/** What a worker is told while it works. */
export type WorkerSignal =
  | { readonly type: 'cancel'; readonly stepId: StepId; readonly fence: number }
  | { readonly type: 'drain' };

export interface LogChunk extends HeldLease {
  /** Counts from 0 within the attempt; a chunk that was stored is not stored twice. */
  readonly seq: number;
  /** UTF-8, secrets masked. */
  readonly text: string;
}

/** An artifact of another step of the run. */
export interface MadeArtifact extends Artifact {
  /** Id of the step that made it, with its combination of a matrix. */
  readonly step: string;
}

export interface WantedArtifact {
  readonly name: string;
  /** Id of the step that made it; without its combination of a matrix, of all combinations. Default: of any. */
  readonly from?: string;
}

/** A cached result; `key` is already bound to what decides the result: see `cacheKey` of the worker. */
export interface CacheEntry {
  readonly key: string;
  readonly outputs: JsonObject;
  readonly artifacts: readonly Artifact[];
  /** Files restored into the working directory. */
  readonly files: readonly Artifact[];
  readonly runId: string;
}

/**
 * What a worker asks of the conductor, over HTTP or in process. Every call that changes a step names its fence.
 *
 * A worker holds an `acquire` and a `signals` call open all the time, so neither of them polls.
 */
export interface LeaseClient {
  register(hello: WorkerHello): Promise<WorkerSession>;
  /** Up to `room` leases; answers empty after `waitMs`. */
  acquire(workerId: number, room: number, waitMs: number, signal: AbortSignal): Promise<readonly Lease[]>;
  /** Records outcomes and may hand over up to `room` steps that they made ready, saving a round trip. */
  complete(
    workerId: number,
    completions: readonly Completion[],
    room: number,
  ): Promise<{ readonly answers: readonly CompletionAnswer[]; readonly leases: readonly Lease[] }>;
  /** Says what the worker still holds; answers what it no longer owns. */
  renew(workerId: number, held: readonly HeldLease[]): Promise<{ readonly lost: readonly HeldLease[] }>;
  /** Held poll: answers as soon as there is a signal, empty after `waitMs`. */
  signals(workerId: number, waitMs: number, signal: AbortSignal): Promise<readonly WorkerSignal[]>;
  appendLog(workerId: number, chunks: readonly LogChunk[]): Promise<void>;
  annotate(workerId: number, held: HeldLease, annotations: readonly Annotation[]): Promise<void>;
  /** Values of the secrets that policy releases to this step. Throws POLICY_DENIED, SECRET_NOT_FOUND, LEASE_LOST. */
  secrets(workerId: number, held: HeldLease): Promise<Readonly<Record<string, string>>>;
  /**
   * `content` is read again, from its beginning, where it must be sent again: a generator that runs already cannot be.
   * `signal` gives up what takes its time, as gigabytes on their way to a server do.
   */
  putBlob(
    workerId: number,
    held: HeldLease,
    content: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ readonly digest: Digest; readonly sizeBytes: number }>;
  getBlob(workerId: number, held: HeldLease, digest: Digest, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Artifacts of the steps that this one needs, directly or not. Throws LEASE_LOST, and OUTPUT_TOO_LARGE beyond `ARTIFACTS_MAX` files. */
  findArtifacts(workerId: number, held: HeldLease, wanted: WantedArtifact): Promise<readonly MadeArtifact[]>;
  /**
   * A signed statement about contents of the run, as the text of a sigstore bundle. The worker holds no key: the conductor writes
   * the statement from what it knows. Asked again for the same, the same step gets the same answer.
   * Throws LEASE_LOST, POLICY_DENIED for a step that may not ask, ARTIFACT_NOT_FOUND for a content that the run did not make,
   * INPUT_INVALID, REQUEST_TOO_LARGE.
   */
  attest(workerId: number, held: HeldLease, request: AttestRequest): Promise<string>;
  cacheGet(workerId: number, held: HeldLease, key: string): Promise<CacheEntry | undefined>;
  cachePut(workerId: number, held: HeldLease, entry: Omit<CacheEntry, 'runId'>, ttlMs: number): Promise<void>;
  /** Gives back what is held, as class `infra`, and ends the session. */
  leave(workerId: number): Promise<void>;
}
