import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { RetryClass } from '../pipeline/plan.ts';

/** How one attempt ended, as its worker saw it. */
type OutcomeKind = 'succeeded' | 'failed' | 'cancelled' | 'retry-later';

/**
 * The result of an attempt. A value, not an exception: the engine decides what follows from it.
 *
 * `outputs` larger than `OUTPUT_BYTES_MAX` are refused by the worker as a failure of class `step`, and by the engine with
 * OUTPUT_TOO_LARGE.
 */
export interface Outcome {
  readonly kind: OutcomeKind;
  /** Why it failed, for the retry policy; set for `failed` only. `retry-later` is retried as `infra`. */
  readonly errorClass?: RetryClass;
  /** Stable code of a failure that Maestro itself raised. */
  readonly errorCode?: string;
  /** One line for people, secrets masked. */
  readonly message?: string;
  /** Exit status of a process; absent for steps that are not one. */
  readonly exitCode?: number;
  readonly outputs?: JsonObject;
  readonly artifacts?: readonly Artifact[];
  /** Whole log of the attempt, also the part beyond the stored limit. */
  readonly log?: { readonly digest: Digest; readonly sizeBytes: number; readonly isTruncated: boolean };
  /** The result was taken from the cache under this key. */
  readonly cacheKey?: string;
  readonly isCacheHit?: boolean;
  readonly annotations?: readonly Annotation[];
  /** Digest of the evaluated inputs (`with`, `env` without secret values). */
  readonly inputDigest?: Digest;
  /** How the step was kept apart from the worker: `process` (same user), `user`, `container`. */
  readonly isolation?: Isolation;
}

/** How steps are kept apart from their worker; only the last two keep them from what the worker knows. */
export type Isolation = 'none' | 'process' | 'user' | 'container';

export const OUTPUT_BYTES_MAX = 1_048_576;
/** Nesting of outputs: whoever reads them later recurses over them. */
export const OUTPUT_DEPTH_MAX = 200;
export const ANNOTATIONS_MAX = 1000;
/** Annotations of one attempt, as JSON. */
export const ANNOTATION_BYTES_MAX = 524_288;
/** Files of all artifacts of one attempt. */
export const ARTIFACTS_MAX = 10_000;
/** Systems give exit statuses as 32 bits, with a sign or without. */
export const EXIT_CODE_MIN = -2_147_483_648;
export const EXIT_CODE_MAX = 4_294_967_295;

/** Content kept by digest. */
export interface Artifact {
  readonly name: string;
  /** Path below the artifact's own root, `/` as separator. */
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A remark on a line of a file, as GitHub's check runs take it. Lines and columns count from 1. */
export interface Annotation {
  readonly level: 'notice' | 'warning' | 'failure';
  readonly message: string;
  readonly title?: string;
  /** Relative to the repository's root. */
  readonly path?: string;
  readonly startLine?: number;
  readonly endLine?: number;
  readonly startColumn?: number;
  readonly endColumn?: number;
}
