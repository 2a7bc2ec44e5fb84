import type { Json, JsonObject } from '../../src/base/json.ts';
import { type ExpressionContexts, type ExpressionFunctions, evaluateCondition } from '../../src/pipeline/expression.ts';
import { parseCondition } from '../../src/pipeline/template.ts';
import type { ActionFile } from './action-file.ts';
import type { JobRequest, StepConclusion, StopTimes } from './job.ts';
import type { JobPlaces } from './job-environment.ts';
import type { JobLog } from './job-log.ts';
import { textOf } from './json-text.ts';

/** One running job. What changes while it runs is not `readonly`. */
export interface JobState {
  readonly request: JobRequest;
  readonly places: JobPlaces;
  readonly times: StopTimes;
  readonly log: JobLog;
  readonly github: JsonObject;
  readonly runner: JsonObject;
  /** Variables that no step can change. */
  readonly variables: Readonly<Record<string, string>>;
  readonly hasIdToken: boolean;
  /** Aborts when the machine dies. */
  readonly death: AbortSignal;
  /** Aborts when somebody cancels the job, or its time is over. */
  readonly cancelled: AbortSignal;
  /** `env` of workflow and job, and what steps wrote to GITHUB_ENV. */
  env: Readonly<Record<string, string>>;
  /** What steps wrote to GITHUB_PATH, the last first. */
  path: readonly string[];
  /** Aborts when the time for cleaning up after a cancellation is over. */
  cleanUp: AbortSignal | null;
  readonly posts: PostStep[];
  readonly summaries: string[];
}

/** The steps of a job, or of one composite action. */
export interface StepScope {
  readonly inputs: JsonObject;
  readonly defaults: JsonObject;
  /** Null for the steps of the job itself. */
  readonly action: ActionFile | null;
  readonly steps: Record<string, JsonObject>;
  hasFailed: boolean;
}

/** What an action wants done when the job's steps are over. */
export interface PostStep {
  readonly name: string;
  readonly action: ActionFile;
  readonly main: string;
  readonly condition: string;
  readonly scope: StepScope;
  readonly env: Readonly<Record<string, string>>;
  readonly state: ReadonlyMap<string, string>;
}

export function jobStatus(job: JobState, scope: StepScope): Exclude<StepConclusion, 'skipped'> {
  if (job.cancelled.aborted) return 'cancelled';
  return scope.hasFailed || job.death.aborted ? 'failure' : 'success';
}

/** What stops a process that starts now: after a cancellation only the end of the time for cleaning up. */
export function stopSignal(job: JobState): AbortSignal {
  if (!job.cancelled.aborted) return job.cancelled;
  job.cleanUp ??= AbortSignal.timeout(job.times.cleanUpMs);
  return job.cleanUp;
}

export function contextsOf(job: JobState, scope: StepScope, env: Readonly<Record<string, string>>): ExpressionContexts {
  const { action } = scope;
  const place = action
    ? { action_path: action.folder, action_repository: action.repository ?? '', action_ref: action.gitRef ?? '' }
    : {};
  return {
    github: { ...job.github, ...place },
    inputs: scope.inputs,
    env,
    runner: job.runner,
    steps: scope.steps,
    job: { status: jobStatus(job, scope) },
    // Secrets do not reach the steps of a composite action.
    secrets: action ? {} : { GITHUB_TOKEN: job.request.token, github_token: job.request.token },
    vars: {},
    matrix: null,
    strategy: { 'fail-fast': true, 'job-index': 0, 'job-total': 1, 'max-parallel': 1 },
    needs: {},
  };
}

export function statusFunctions(job: JobState, scope: StepScope): ExpressionFunctions {
  return {
    always: () => true,
    success: () => jobStatus(job, scope) === 'success',
    failure: () => jobStatus(job, scope) === 'failure',
    cancelled: () => job.cancelled.aborted,
  };
}

const STATUS_FUNCTIONS = new Set(['always', 'success', 'failure', 'cancelled']);

/** Whether `if` lets a step run. Where it asks for no status, `success()` is understood. */
export function isConditionMet(
  condition: Json | undefined,
  contexts: ExpressionContexts,
  functions: ExpressionFunctions,
): boolean {
  const text = condition === undefined || condition === null ? 'success()' : textOf(condition);
  const asksStatus = parseCondition(text).parts.some(
    (part) =>
      typeof part === 'object' && part.parsed.functions.some(({ name }) => STATUS_FUNCTIONS.has(name.toLowerCase())),
  );
  if (!asksStatus && !evaluateCondition('success()', contexts, functions)) return false;
  return evaluateCondition(text, contexts, functions);
}
