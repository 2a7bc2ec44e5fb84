/** All that one installation of the App sees, or one repository of it. By GitHub's ids. */
export interface InstallationPlace {
  readonly installationId: number;
  /** Null for all of them. */
  readonly repositoryId: number | null;
}

/** What is kept about installations and repositories, where they change or go. Implemented by the store. */
export interface Installations {
  /** Public ids of runs there that have not been reported to their end, oldest first. */
  openRuns(place: InstallationPlace, limit: number): Promise<readonly string[]>;
  /** Nobody there can be told or asked for jobs any more: runs are closed, reports laid aside, jobs ended. */
  abandon(place: InstallationPlace, problem: string): Promise<void>;
  /** From now on nothing is done about its deliveries, until `resume`: GitHub would refuse every call. */
  suspend(installationId: number): Promise<void>;
  /** There the App can do something again, a suspension is over: what could not be told meanwhile is told. */
  resume(place: InstallationPlace): Promise<void>;
  suspended(): Promise<readonly number[]>;
  /** Where a repository that was renamed or given to somebody else is found from now on. */
  move(repositoryId: number, to: RepositoryAddress): Promise<void>;
  /** All repositories of the installation belong to an account that has another name now. */
  renameOwner(installationId: number, owner: string): Promise<void>;
  /** Its owner, as its open runs have it; undefined where there are none. */
  ownerOf(installationId: number): Promise<string | undefined>;
  /** Installations for which something is open, or that are suspended; in the order of their ids, from behind the named one. */
  inUse(afterId: number, limit: number): Promise<readonly number[]>;
}

export interface RepositoryAddress {
  readonly installationId: number;
  readonly owner: string;
  readonly repo: string;
}
