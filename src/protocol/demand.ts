/** Ready steps of one class of one dedicated run, and the jobs that serve them. */
export interface ClassDemand {
  /** Public id of the run. */
  readonly runId: string;
  readonly class: string;
  readonly ready: number;
  /** Jobs that were asked for and have not started. */
  readonly waitingJobs: number;
  readonly runningJobs: number;
  /** Jobs that were lost since a step of the class last succeeded; one that GitHub refused counts for each refusal. */
  readonly lostJobs: number;
  /** All that were ever asked for: the newest ordinal. */
  readonly jobs: number;
  /** The run has a live job, of whatever class. */
  readonly isInside: boolean;
  /** What it was last said to wait for: see `Dispatches.noteWaits`. */
  readonly waits: string | null;
}

/** What dedicated runs need of runners. Implemented by the store. */
export interface Demand {
  /**
   * Classes with ready steps and fewer than `jobsMax` live jobs, oldest run first; not of runs whose own job serves every class.
   * Where they are more than `limit`, the oldest of each namespace are among them.
   */
  unserved(jobsMax: number, limit: number): Promise<readonly ClassDemand[]>;
}
