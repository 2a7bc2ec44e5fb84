import type { CheckTarget } from './check.ts';

/** A job of GitHub Actions that waits before an environment for what the App says, with the run that decides it. */
export interface ProtectionRequest {
  /** The run's public id. */
  readonly runId: string;
  readonly repositoryId: number;
  readonly workflowRunId: number;
  /** Of the workflow run: another attempt asks anew. */
  readonly attempt: number;
  /** As GitHub names it. */
  readonly environment: string;
}

/** What the App says of a request: a word while it waits, where `state` is null, or its answer. */
export interface ReviewSpec extends ProtectionRequest {
  /** Unique per commit in Maestro: `<run id>/review/<environment>`. */
  readonly externalId: string;
  readonly state: 'approved' | 'rejected' | null;
  /** Markdown that is safe already, of at most 1,024 characters. */
  readonly comment: string;
}

/** Requests, and what should be said of them. Implemented by the store; the loop that writes checks says it to GitHub. */
export interface ProtectionRules {
  /** Adds it; the first one of a run stands. */
  add(request: ProtectionRequest): Promise<void>;
  find(runId: string): Promise<ProtectionRequest | undefined>;
  /** Those of a workflow run whose end does not stand on GitHub yet, oldest first. */
  openOf(repositoryId: number, workflowRunId: number): Promise<readonly ProtectionRequest[]>;
  /** All of these, in the order of their runs, from behind the named one. */
  open(limit: number, afterRunId?: string): Promise<readonly ProtectionRequest[]>;
  /** Says what GitHub should hear; the newest word counts, `version` orders words of several processes. */
  putReview(target: CheckTarget, spec: ReviewSpec, version: number): Promise<void>;
}
