/** Somebody with write access vouched for one commit of a fork's pull request (`/maestro ok-to-test`). */
interface TestGrant {
  readonly repositoryId: number;
  readonly pullNumber: number;
  /** The whole SHA. Another head is not covered: a push voids the grant. */
  readonly headSha: string;
  /** Branch that it is to be merged into: its pipelines are the ones that were vouched for. Another base voids the grant. */
  readonly baseRef: string;
  /** Login. */
  readonly grantedBy: string;
}

/** Which heads of forks may run. Implemented by the store. */
export interface TestGrants {
  /** Records it; the first grant of a head stands. */
  grant(grant: TestGrant): Promise<void>;
  isGranted(grant: Omit<TestGrant, 'grantedBy'>): Promise<boolean>;
}
