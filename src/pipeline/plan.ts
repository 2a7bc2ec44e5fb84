import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';

/**
 * The compiled pipeline: an immutable graph, named by the SHA-256 of its canonical JSON.
 *
 * Strings marked *template* may hold `${{ expression }}`; strings marked *expression* are the bare expression. Both are
 * evaluated at run time, once, with the contexts of the step. Nothing here depends on the machine, the clock or a secret.
 */
export interface Plan {
  readonly schema: 'maestro.plan/v1';
  readonly name: string;
  readonly version?: string;
  readonly kind: PipelineKind;
  readonly source: { readonly path: string; readonly digest: Digest };
  readonly params: JsonObject;
  readonly purpose?: string;
  readonly authority?: string;
  readonly licence?: string;
  readonly autonomy?: AutonomyLevel;
  readonly budget?: PlanBudget;
  readonly concurrency?: PlanConcurrency;
  /** What becomes of the release of the tag that the run was started for. */
  readonly release?: PlanRelease;
  /** Templates. */
  readonly env: Readonly<Record<string, string>>;
  /** In topological order: a step's needs stand before it. Its index is its position. */
  readonly steps: readonly PlanStep[];
}

export type PipelineKind = 'ci' | 'ops' | 'data' | 'chaos' | 'demo';
export type AutonomyLevel = 'L0' | 'L1' | 'L2' | 'L3' | 'L4' | 'L5';

export interface PlanBudget {
  readonly microUsd?: number;
  readonly tokens?: number;
  readonly minutes?: number;
  /** Share of a cap at which a warning event is raised, 0 to 1. */
  readonly soft?: number;
}

export interface PlanConcurrency {
  /** Template over `github`, `params` and `run`; runs whose groups are equal exclude each other. */
  readonly group: string;
  readonly cancelInProgress: boolean;
}

export interface PlanRelease {
  /** Of a release that is made; the tag where it is absent. Plain text. */
  readonly title?: string;
  /** Markdown, of a release that is made. */
  readonly notes?: string;
  readonly isPrerelease: boolean;
  /** Names of the artifacts that are attached; all of the run where it is absent. */
  readonly artifacts?: readonly string[];
  /** It stays a draft, which people publish. */
  readonly isKeptDraft: boolean;
}

/** Who handles a step: workers see only `work`; the engine handles `wait` and `gate`. */
export type StepKind = 'work' | 'wait' | 'gate';

export interface PlanStep {
  /** Unique in the plan: `test`, or `test[22,linux]` for one combination of a matrix. */
  readonly id: string;
  /** The id as written in the source; what `needs` and `steps.<id>` name. */
  readonly base: string;
  readonly kind: StepKind;
  /** Ids of plan steps: what was written, and one for every step whose output this one reads. */
  readonly needs: readonly string[];
  /** `shell` for `run:`; a built-in or catalog name, `./path`, or `pkg:…`. */
  readonly uses: string;
  /** What will run. `digest` is absent only where the code could not be found when the plan was made. */
  readonly code: { readonly uri: string; readonly digest?: Digest };
  /** Expression. Absent means `success()`. */
  readonly if?: string;
  readonly matrix?: JsonObject;
  /** Templates at any depth. A shell step has `{ run, shell }`. */
  readonly with: JsonObject;
  /** Templates. */
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** Names only; values are fetched by the worker after it leased the step. */
  readonly secrets: readonly string[];
  /** Runner class: a worker leases only steps of the classes that it serves. */
  readonly runner: string;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly cache?: StepCache;
  readonly artifacts: readonly ArtifactSpec[];
  /** Templates over `result` and the usual contexts, evaluated by the worker after the step ran. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly loop?: { /** Expression. */ readonly until: string; readonly max: number };
  /** `true`, or an expression evaluated when the step failed. */
  readonly continueOnError: boolean | string;
  readonly tags: readonly string[];
  readonly egress: readonly string[];
  readonly environment?: string;
  /** False: a lost attempt is held as *unknown outcome* for a person instead of being run again. */
  readonly isIdempotent: boolean;
  /** Budget of the step alone. */
  readonly budget?: PlanBudget;
  /** Runs, newest first, for steps that succeeded in a run that then failed or was cancelled. */
  readonly compensate?: Compensation;
}

export interface Compensation {
  readonly uses: string;
  readonly code: { readonly uri: string; readonly digest?: Digest };
  readonly with: JsonObject;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export type RetryClass = 'infra' | 'timeout' | 'rate-limit' | 'step';

export interface RetryPolicy {
  /** Retries after the first attempt, 0 to 10. */
  readonly max: number;
  readonly on: readonly RetryClass[];
  readonly backoff: Backoff;
}

export interface Backoff {
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** `full`: a uniform share of the delay (AWS "full jitter"). */
  readonly jitter: 'none' | 'full';
}

export interface StepCache {
  /** Template; may use `hashFiles`, so the worker evaluates it. */
  readonly key: string;
  readonly ttlMs: number;
  /** Globs, relative to the working directory, restored on a hit. */
  readonly paths: readonly string[];
}

interface ArtifactSpec {
  readonly name: string;
  /** Glob, relative to the working directory. */
  readonly path: string;
  readonly isRequired: boolean;
}
