/** Where a workflow is dispatched. */
export interface WorkflowTarget {
  readonly installationId: number;
  readonly owner: string;
  readonly repo: string;
}

export interface WorkflowDispatchRequest {
  readonly target: WorkflowTarget;
  /** File name below `.github/workflows`. */
  readonly workflow: string;
  /** A branch or tag, never a commit. */
  readonly ref: string;
  readonly inputs: Readonly<Record<string, string>>;
}

/**
 * `accepted`: there is a workflow run; its id is null where this GitHub does not say. `refused`: `problem` tells people what to
 * change. `limited`: too many calls; nothing happened.
 */
export type WorkflowDispatchAnswer =
  | { readonly status: 'accepted'; readonly workflowRunId: number | null }
  | { readonly status: 'refused'; readonly problem: string }
  | { readonly status: 'limited'; readonly retryAfterMs: number | null };

/** A workflow run as GitHub tells it. */
export interface WorkflowRunView {
  readonly workflowRunId: number;
  readonly status: 'queued' | 'running' | 'completed';
  readonly conclusion: string | null;
  readonly attempt: number;
  readonly jobs: readonly WorkflowJobView[];
}

export interface WorkflowJobView {
  readonly jobId: number;
  readonly name: string;
  readonly status: 'queued' | 'running' | 'completed';
  readonly conclusion: string | null;
  readonly labels: readonly string[];
  readonly runnerName: string | null;
}

/**
 * GitHub Actions as a source of workers. Implemented by the GitHub room.
 *
 * Every call throws NETWORK_FAILED where GitHub cannot be reached, answers too late or fails: what became of it is unknown.
 * All but `dispatch` throw RATE_LIMITED where there were too many calls, and CONFLICT where GitHub answered that it will not.
 */
export interface WorkflowDispatch {
  dispatch(request: WorkflowDispatchRequest): Promise<WorkflowDispatchAnswer>;
  /** The workflow run named `maestro <dispatchId>`, created at `since` (RFC 3339) or later; undefined where there is none. */
  findRun(target: WorkflowTarget, workflow: string, dispatchId: string, since: string): Promise<number | undefined>;
  /** One that has ended, or is gone, is left as it is. */
  cancel(target: WorkflowTarget, workflowRunId: number): Promise<void>;
  /** Undefined where it was deleted. */
  readRun(target: WorkflowTarget, workflowRunId: number): Promise<WorkflowRunView | undefined>;
}
