/** What policy lets a repository have at once, as far as its own runs are judged. */
export interface Quotas {
  /** Runs that have jobs; null where policy says nothing. */
  readonly runsMax: number | null;
  /** Jobs, by runner class; those of other classes are not counted. */
  readonly jobsMax: ReadonlyMap<string, number>;
}

/** What one request for a job has to stay within. A job is live from its request to its end. */
export interface JobQuotas {
  /** Live jobs of the class in the installation. */
  readonly installationJobs: number;
  /** Live jobs of the class in the repository; null for as many as the installation may have. */
  readonly repositoryJobs: number | null;
  /** Runs of the repository that have live jobs; one more job of such a run is no other run. Null for any number. */
  readonly repositoryRuns: number | null;
}

/** There is no place, and where none is. */
export interface QuotaFull {
  readonly quota: keyof JobQuotas;
  readonly used: number;
}

/** What a class of a run waits for before it gets its first job. */
export interface JobWait {
  /** Public id of the run. */
  readonly runId: string;
  readonly class: string;
  /** For people: `the repository has 2 of 2 gpu jobs`. Null where it waits no more. */
  readonly reason: string | null;
}
