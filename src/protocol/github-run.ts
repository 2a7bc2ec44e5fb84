/** Where on GitHub a run belongs. One row per run, written when it is started for an event. */
export interface GitHubRun {
  /** The run's public id: `external_id` of its check runs. */
  readonly runId: string;
  readonly installationId: number;
  readonly repositoryId: number;
  readonly owner: string;
  readonly repo: string;
  /** The commit under test. */
  readonly headSha: string;
  /** `refs/heads/main`, `refs/tags/v1`, `refs/pull/7/head`. */
  readonly ref: string;
  readonly defaultBranch: string;
  readonly pullNumber: number | null;
  /** Of its pull request, where that started it: a fork's pipelines come from there. */
  readonly baseRef: string | null;
  readonly isFork: boolean;
  /** `.maestro/ci.yaml` */
  readonly pipelinePath: string;
  /** Name of the aggregate check run: what a branch rule requires. Equal for all runs of a pipeline. */
  readonly checkName: string;
  /** What it was started for, as far as that tells runs of one commit and pipeline apart: its code, a label, a command. */
  readonly occasion: string;
  /** Closing the pull request does not cancel it: the closing started it, or somebody who asked after that. */
  readonly survivesClosing: boolean;
}

/** Runs that belong to GitHub. Implemented by the store. */
export interface GitHubRuns {
  /** Adds it; one that is there already learns its pull request, if it did not know one. */
  add(run: GitHubRun): Promise<void>;
  /** Says that a run, which a push started, is of a pull request as well; one that is of another already stays that one's. */
  join(runId: string, pullNumber: number): Promise<void>;
  find(runId: string): Promise<GitHubRun | undefined>;
  /** Runs of a commit, newest first; of a pull request where `pullNumber` is given instead. */
  ofCommit(repositoryId: number, headSha: string): Promise<readonly GitHubRun[]>;
  ofPull(repositoryId: number, pullNumber: number): Promise<readonly GitHubRun[]>;
  /** The newest run of any of these refs. */
  newestOfRefs(repositoryId: number, refs: readonly string[]): Promise<GitHubRun | undefined>;
  /** Those that have not been reported to their end; in the order in which they were added, from behind the named one. */
  open(limit: number, afterRunId?: string): Promise<readonly GitHubRun[]>;
  /** The final state of the run stands on GitHub: it is looked at no more. */
  close(runId: string): Promise<void>;
}
