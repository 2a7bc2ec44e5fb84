import type { CheckSpec, CheckTarget, PullTarget } from './check.ts';
import type { DeploymentSpec } from './deployment-board.ts';
import type { ReviewSpec } from './protection.ts';
import type { ReleaseSpec } from './release-board.ts';

/** A check as it should stand on GitHub now. */
export interface StandingCheck {
  readonly target: CheckTarget;
  readonly spec: CheckSpec;
}

/** A pull request whose checks changed since its comment was thought over. */
export interface ChangedPull extends PullTarget {
  /** Handed back with the comment, so that a change in between is not missed. */
  readonly changed: number;
  /** Its head, where an event told it. */
  readonly headSha: string | null;
  readonly hasComment: boolean;
}

interface DueBase {
  readonly id: number;
  /** Of the claim: a later one makes it stale. */
  readonly fence: number;
  readonly digest: string;
  readonly installationId: number;
  readonly owner: string;
  readonly repo: string;
  /** GitHub's id of the check run, comment, deployment or release; null until it is known, and always of a review. */
  readonly remoteId: number | null;
  /** Somebody may have written it and died before the answer was recorded. */
  readonly isUnsure: boolean;
  readonly failures: number;
  /** How often all that it said was written. */
  readonly writes: number;
}

export interface DueCheck extends DueBase {
  readonly kind: 'check';
  readonly headSha: string;
  readonly spec: CheckSpec;
  /** How many of its annotations, from the first, are on GitHub. */
  readonly sentAnnotations: number;
  /** All that it says stands on GitHub, but for annotations beyond those that were sent. */
  readonly isRemainder: boolean;
}

export interface DueComment extends DueBase {
  readonly kind: 'comment';
  readonly pullNumber: number;
  readonly body: string;
}

/** It is made by one write, and told how it stands by the next ones. */
export interface DueDeployment extends DueBase {
  readonly kind: 'deployment';
  readonly headSha: string;
  readonly spec: DeploymentSpec;
}

/** What the App says of a job that waits for it. */
export interface DueReview extends DueBase {
  readonly kind: 'review';
  readonly spec: ReviewSpec;
}

/** A page that is filled piece by piece: looked at before each write. */
export interface DueRelease extends DueBase {
  readonly kind: 'release';
  readonly repositoryId: number;
  readonly headSha: string;
  readonly spec: ReleaseSpec;
  /** Everything that it says stood on GitHub once. */
  readonly isSettled: boolean;
  /** How many of its bundles, from the first, GitHub's attestation API was given. */
  readonly sentBundles: number;
}

export type DueReport = DueCheck | DueComment | DueDeployment | DueReview | DueRelease;

/** Pages of releases are filled beside everything else: an upload takes minutes, and a check waits for nobody's. */
export type ReportLane = 'words' | 'releases';

export interface ClaimQuery {
  readonly nowMs: number;
  /** Who dies with a claim loses it after this time. */
  readonly claimMs: number;
  readonly limit: number;
  /** `words` where it is absent. */
  readonly lane?: ReportLane;
  /** Only this installation's, or all but those that are served already. */
  readonly installations: { readonly only: number } | { readonly except: readonly number[] };
}

/** What was written, in part or in whole. */
export interface Written {
  readonly remoteId: number | null;
  /** Of a release: bundles. */
  readonly sentAnnotations: number;
  readonly isWhole: boolean;
  /** Of a release: everything stands there; false where it is gone. What stood once stays so where this is absent. */
  readonly isSettled?: boolean;
  /** It only took away what a failed try left behind: failures count on, or one that always fails would be tried without end or word. */
  readonly isCleanup?: boolean;
  /** GitHub was asked how things stand, and nothing more: no write was used. */
  readonly isLook?: boolean;
}

/** The reporter's side of the boards of checks, deployments, reviews and releases: what is due on GitHub, and what came of it. Implemented by the store. */
export interface ReportBook {
  /** Checks of a commit, oldest first. */
  standing(repositoryId: number, headSha: string): Promise<readonly StandingCheck[]>;
  /** Checks of the head of a pull request, oldest first: its own, and those of no pull request. */
  ofPull(pull: PullTarget): Promise<readonly StandingCheck[]>;
  changedPulls(limit: number): Promise<readonly ChangedPull[]>;
  /** Says what the comment should say; null where there is nothing to say. */
  putComment(pull: ChangedPull, body: string | null, isUrgent: boolean): Promise<void>;
  /**
   * Takes what is due of installations that have writes left, urgent things first; where nothing else is due, one check of
   * which only annotations are missing. A claim counts as a request under way until it is recorded, deferred, released or
   * buried.
   */
  claim(query: ClaimQuery): Promise<readonly DueReport[]>;
  /** Says before a request that the claim goes on; false where it was lost, and somebody else may be writing, as a newer run of a tag. */
  renew(due: DueReport, untilMs: number): Promise<boolean>;
  /**
   * Ends the claim; what is not whole is due again at once, but for the page of a run that a newer one replaced meanwhile. False where
   * the claim was lost.
   */
  record(due: DueReport, written: Written & { readonly nowMs: number }): Promise<boolean>;
  /** Tries again later. `isUnsure`: the request may have been carried out. */
  defer(
    due: DueReport,
    later: { readonly dueMs: number; readonly problem: string | null; readonly isUnsure: boolean },
  ): Promise<void>;
  /** Gives back claims for which no request was made. */
  release(dues: readonly DueReport[]): Promise<void>;
  /** Forgets the id under which it was written: the comment was deleted. */
  forget(due: DueReport): Promise<void>;
  /** Gives it up until something else is to be said. `isUnsure`: an earlier request may have been carried out. */
  bury(due: DueReport, last: { readonly problem: string; readonly isUnsure: boolean }): Promise<void>;
  /** Makes due again what open runs say of being under way, and what was written before that time. */
  refresh(beforeMs: number): Promise<void>;
  /** Whether checks of the run are still to be written. */
  isPending(repositoryId: number, headSha: string, runId: string): Promise<boolean>;
}
