import type { Digest } from '../base/digest.ts';
import type { JobQuotas, JobWait, QuotaFull } from './quota.ts';

/**
 * `requested`: to be asked of GitHub, or asked and not answered yet. `queued`: GitHub has it, no runner took it. `running`.
 * `ended`: it did what it was for, or was not needed any more. `lost`: it never ran, or ended without saying so.
 */
export type DispatchStatus = 'requested' | 'queued' | 'running' | 'ended' | 'lost';

/** The class of a job that serves every class of its run: the job of a user's own workflow. */
export const EVERY_CLASS = '*';

/** What is asked of GitHub: one job that serves the ready steps of one class of one run. */
export interface DispatchRequest {
  /** ULID. Shown in the name of the workflow run, which is how an unanswered request is found again. */
  readonly dispatchId: string;
  /** Public id of the run. */
  readonly runId: string;
  readonly class: string;
  /** Counts from 1 within (run, class); a number is used once, whoever asks. */
  readonly ordinal: number;
  /** `runs-on` of the job. */
  readonly labels: readonly string[];
  readonly installationId: number;
  readonly repositoryId: number;
  readonly owner: string;
  readonly repo: string;
  /** The default branch: the workflow file there is the one that runs. */
  readonly ref: string;
}

export interface Dispatch extends DispatchRequest {
  readonly status: DispatchStatus;
  /** Null until GitHub has said it. */
  readonly workflowRunId: number | null;
  /** The attempt of the workflow run whose worker registered; 0 before the first. */
  readonly runAttempt: number;
  /** Why it does not run, for people; null where nothing is wrong. */
  readonly problem: string | null;
  /** RFC 3339. */
  readonly requestedAt: string;
}

/** A dispatch whose time has come, with what decides on it. */
export interface DueDispatch extends Dispatch {
  /** Grows with each claim: an older one is no right to call GitHub. */
  readonly fence: number;
  /** GitHub was asked and the answer is not known: look it up before asking again. */
  readonly isUncertain: boolean;
  /** Milliseconds since GitHub was asked last; null where it never was. */
  readonly calledAgoMs: number | null;
  /** Refusals so far. */
  readonly refusals: number;
  /** Milliseconds since it got its status. */
  readonly statusAgeMs: number;
  /** Milliseconds since the run ended, as far as it was noticed; null while it is open. */
  readonly overForMs: number | null;
}

/** What a delivery or a look at GitHub says of a workflow run. */
export interface WorkflowRunNews {
  readonly repositoryId: number;
  readonly workflowRunId: number;
  readonly runAttempt: number;
  readonly status: 'queued' | 'running' | 'completed';
  /** GitHub's word: `success`, `failure`, `cancelled`, `timed_out`; null until it is completed. */
  readonly conclusion: string | null;
  /** About the workflow run as a whole. A user's own workflow has jobs beside ours: what one of them does says nothing. */
  readonly isWholeRun: boolean;
}

/** What a worker's identity token says of its job. */
export interface RegisteringJob {
  readonly repositoryId: number;
  readonly workflowRunId: number;
  readonly runAttempt: number;
  /** Of the key that the job's process made up. */
  readonly keyDigest: Digest;
}

/** Jobs that were asked of GitHub. Implemented by the store; any number of processes use it at once. */
export interface Dispatches {
  find(dispatchId: string): Promise<Dispatch | undefined>;
  /**
   * Writes the intent, or answers which quota is full: whoever else asks at the same moment, there are never more. `taken`:
   * somebody else has the ordinal.
   */
  request(request: DispatchRequest, quotas: JobQuotas): Promise<'written' | 'taken' | QuotaFull>;
  /** From now on `problemOf` says what classes of runs wait for, as long as they have ready steps and no job. */
  noteWaits(waits: readonly JobWait[]): Promise<void>;
  /** Records a job that GitHub started without us: it runs, and serves every class of its run. Jobs not asked for yet are not needed. */
  adopt(request: Omit<DispatchRequest, 'class' | 'ordinal' | 'labels'>, job: RegisteringJob): Promise<Dispatch>;
  /** Takes up to `limit` live dispatches whose time has come, or whose run just ended; nobody else gets them for `holdMs`. Not those of the installations in `except`. */
  claimDue(limit: number, holdMs: number, except?: readonly number[]): Promise<readonly DueDispatch[]>;
  /** From now on GitHub may know of it; nobody else gets it for `holdMs`. Answers false where it is no longer `requested`, or somebody else has claimed it since. */
  calling(dispatchId: string, fence: number, holdMs: number): Promise<boolean>;
  /** GitHub took it; the id is null where it did not say. Looked at again after `lookAfterMs`. Answers false where it is over already: nobody waits for that job. */
  accepted(dispatchId: string, workflowRunId: number | null, lookAfterMs: number): Promise<boolean>;
  /** A workflow run names this dispatch. Answers whether it is the one that was waited for. */
  matched(dispatchId: string, repositoryId: number, workflowRunId: number): Promise<boolean>;
  /** GitHub said no, for a reason that people can mend: asked again after `retryAfterMs`. */
  refused(dispatchId: string, problem: string, retryAfterMs: number): Promise<void>;
  /** Looked at again after `lookAfterMs`. `isCertain`: GitHub did nothing, for it answered so. */
  later(
    dispatchId: string,
    lookAfterMs: number,
    change?: { readonly problem?: string; readonly isCertain?: true },
  ): Promise<void>;
  /** Does nothing where it is over already. */
  end(dispatchId: string, status: 'ended' | 'lost', problem: string | null): Promise<void>;
  /** News in any order, any number of times. Answers the dispatch that it changed; undefined for foreign or old news. */
  observe(news: WorkflowRunNews): Promise<Dispatch | undefined>;
  /**
   * A worker proves that it is the job of this dispatch: once per attempt of the workflow run, and again with the same key.
   * @throws CONFLICT where that attempt has registered with another key, or a later one has, the workflow run or repository is another
   * @throws RUN_FINISHED where the run ended before the job came
   */
  register(dispatchId: string, job: RegisteringJob): Promise<Dispatch>;
  /** Why a run waits for jobs, one line per class; null where nothing is wrong. */
  problemOf(runId: string): Promise<string | null>;
}
