import type { Annotation } from './outcome.ts';

/** The repository and commit that a check run is posted on. */
export interface CheckTarget {
  readonly installationId: number;
  readonly repositoryId: number;
  readonly owner: string;
  readonly repo: string;
  readonly headSha: string;
  /** The pull request whose comment tells of the check. */
  readonly pullNumber?: number | null;
}

/** A pull request, where its one comment is written. */
export interface PullTarget {
  readonly installationId: number;
  readonly repositoryId: number;
  readonly owner: string;
  readonly repo: string;
  readonly pullNumber: number;
}

export type CheckConclusion =
  | 'success'
  | 'failure'
  | 'neutral'
  | 'cancelled'
  | 'skipped'
  | 'timed_out'
  | 'action_required';

/** A button on a finished check run. GitHub's limits: label 20, description 40, identifier 20 characters, 3 per check. */
export interface CheckAction {
  readonly label: string;
  readonly description: string;
  readonly identifier: 'rerun-failed' | 'approve' | 'deny' | 'cancel';
}

/**
 * What a check run should say. `summary` and `text` are Markdown that is safe already: whoever builds it escapes. `title` is
 * plain text, which GitHub shows as it is.
 */
export interface CheckSpec {
  /** Unique per commit in Maestro: the run's id, `<run id>/<step id>`, or `notice/<…>` where no run was started. */
  readonly externalId: string;
  readonly name: string;
  readonly status: 'queued' | 'in_progress' | 'completed';
  readonly conclusion: CheckConclusion | null;
  readonly title: string;
  readonly summary: string;
  readonly text: string | null;
  readonly annotations: readonly Annotation[];
  readonly actions: readonly CheckAction[];
  /** What people are asked for, by name. A change of it is told at once, however seldom the check is written otherwise. Not shown. */
  readonly asks?: readonly string[];
  readonly detailsUrl: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

/** What should stand on GitHub. A loop brings GitHub to it, coalesced and within the call budget, and survives crashes. */
export interface CheckBoard {
  /**
   * Says what a check run should say from now on; the newest word counts. `version` orders words of several processes: one
   * below that of the word that stands is dropped. Without it a word is as old as the oldest.
   */
  put(target: CheckTarget, spec: CheckSpec, version?: number): Promise<void>;
  /**
   * Says that the head of a pull request is this commit now, before or after its checks are put: its comment tells of them,
   * and of those of no pull request, which a push to the branch started. The last word counts.
   */
  follow(pull: PullTarget & { readonly headSha: string }): Promise<void>;
  /**
   * Says that a pipeline was skipped, which a branch rule takes for a pass; false where that must not be said: a run of the
   * commit has the name, or something else stands under it for another pull request.
   */
  putSkip(target: CheckTarget, spec: CheckSpec): Promise<boolean>;
}
