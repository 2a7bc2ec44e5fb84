import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { StepCatalogEntry } from '../pipeline/catalog.ts';
import type { PlanStep, RetryClass, StepKind } from '../pipeline/plan.ts';
import type { AttestRequest } from '../protocol/attestation.ts';
import type { MadeArtifact, WantedArtifact } from '../protocol/lease.ts';
import type { Annotation } from '../protocol/outcome.ts';

/** How an attempt ended, in the words of the step itself. */
export type StepAnswer = StepSuccess | StepFailure | StepRetryLater;

export interface StepSuccess {
  readonly kind: 'succeeded';
  /** What templates in `outputs` read as `result`. */
  readonly result: JsonObject;
  /** The step's outputs where the pipeline names none; `result` by default. */
  readonly outputs?: JsonObject;
  readonly exitCode?: number;
  /** Kept beside those that the pipeline declares. */
  readonly artifacts?: readonly OwnArtifact[];
}

/** Files that a step keeps of its own accord, where the pipeline declares none of them. */
export interface OwnArtifact {
  readonly name: string;
  /** Globs below the working directory; `!glob` leaves out. The folder that all matches have in common is the artifact's root. */
  readonly paths: readonly string[];
  /** Where nothing matches, the step fails with ARTIFACT_NOT_FOUND. */
  readonly isRequired: boolean;
}

export interface StepFailure {
  readonly kind: 'failed';
  /** Decides with the step's retry policy whether it is tried again; absent: never. */
  readonly errorClass?: RetryClass;
  readonly errorCode?: string;
  /** One line for people. */
  readonly message: string;
  readonly exitCode?: number;
  readonly result?: JsonObject;
  readonly outputs?: JsonObject;
  /** As of a success; what is missing is no second failure. */
  readonly artifacts?: readonly OwnArtifact[];
}

/** The step cannot do its work now (exit status 75 of a task): it is tried again later. */
interface StepRetryLater {
  readonly kind: 'retry-later';
  readonly message: string;
  readonly exitCode?: number;
}

export interface ProgramRequest {
  /** Program and arguments; the program is looked up on PATH. */
  readonly argv: readonly string[];
  /** Added to the step's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the step's working directory. */
  readonly cwd?: string;
}

export interface ProgramEnd {
  /** Null where a signal ended the program. */
  readonly exitCode: number | null;
  readonly signalName: string | null;
}

/** What a step gets from the worker that runs it. Everything it prints or answers is masked by the worker. */
export interface StepContext {
  readonly step: PlanStep;
  readonly runId: string;
  readonly attempt: number;
  readonly iteration: number;
  /** Equal for retries of the same iteration: lets the outside world notice a repetition. */
  readonly idempotencyKey: string;
  /** The contexts that templates read, without secrets. */
  readonly contexts: JsonObject;
  /** Values of the secrets that the step names and policy released. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The clean environment of a program: allow-listed, with the `env` of plan and step and the step's secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute paths. The temporary folder belongs to this attempt and is removed after it. */
  readonly repositoryRoot: string;
  readonly workingDirectory: string;
  readonly temporaryDirectory: string;
  /** Fires when the attempt is cancelled or out of time. */
  readonly signal: AbortSignal;
  /** Writes one line to the log. */
  readonly log: (line: string) => void;
  readonly annotate: (annotation: Annotation) => void;
  /** Runs a program whose output is the step's log; nothing of it is left running. */
  readonly runProgram: (request: ProgramRequest) => Promise<ProgramEnd>;
  /** What the steps before this one keep, in this run. */
  readonly artifacts: EarlierArtifacts;
  /**
   * Stores a file of the working directory by its digest, so that something can be stated of it. It is kept as an artifact only where
   * the step's answer, or the pipeline, names it as one. Throws INPUT_INVALID, SECRET_IN_ARTIFACT.
   */
  readonly storeFile: (path: string) => Promise<{ readonly digest: Digest; readonly sizeBytes: number }>;
  /** Asks the conductor for a signed statement: see `LeaseClient.attest`. */
  readonly attest: (request: AttestRequest) => Promise<string>;
}

/** Artifacts of the steps that a step needs, directly or not. */
export interface EarlierArtifacts {
  readonly find: (wanted: WantedArtifact) => Promise<readonly MadeArtifact[]>;
  /**
   * Writes files below a folder of the working directory, each after its content has been held to its digest.
   * @throws MaestroError BLOB_CORRUPT for a digest that does not match, and for a path that leads out of the folder
   */
  readonly restore: (files: readonly MadeArtifact[], folder: string) => Promise<void>;
}

interface StepHead {
  /** As `uses` names it. */
  readonly name: string;
  readonly description: string;
  /** False: a lost attempt is held for a person instead of being run again. */
  readonly isIdempotent: boolean;
  /** JSON Schema 2020-12 of `with`, checked after templates are evaluated. */
  readonly input: JsonObject;
  /** As `StepCatalogEntry.keeps`. */
  readonly keeps?: StepCatalogEntry['keeps'];
}

/** What a step promises, without what it does: all that a linter asks. */
export interface WorkStepHead extends StepHead {
  readonly kind: 'work';
  /** JSON Schema 2020-12 of `result`. */
  readonly output: JsonObject;
}

/** A step that a worker runs in its own process. */
export interface WorkStep extends WorkStepHead {
  /** Resolves with the answer; a rejection counts as a failure of class `infra`. Must end soon after `context.signal` fires. */
  readonly run: (context: StepContext, input: JsonObject) => Promise<StepAnswer>;
}

/** A step that the engine itself settles: workers never see it. */
export interface EngineStep extends StepHead {
  readonly kind: Exclude<StepKind, 'work'>;
}

export type StepDefinition = WorkStep | EngineStep;

/** As `WorkStep`, with the input's type as its schema states it. */
export interface WorkStepOf<Input> extends Omit<WorkStep, 'run'> {
  readonly run: (context: StepContext, input: Input) => Promise<StepAnswer>;
}

/**
 * Defines a step.
 *
 * `Input` is the TypeScript view of the schema in `input`: the worker validates before it calls `run`.
 */
export function defineStep<Input = JsonObject>(definition: WorkStepOf<Input>): WorkStep;
export function defineStep(definition: EngineStep): EngineStep;
export function defineStep(definition: EngineStep | WorkStepOf<never>): StepDefinition {
  return definition as StepDefinition;
}
