/** What a promotion that waits wants to know of the place where its commit lives. */
export interface PromotionAsk {
  /** The run that asks, by its public id: its own checks do not count. */
  readonly runId: string;
  /** What is promoted, or what made it. */
  readonly commit: string;
  /** Whether anything depends on its checks. */
  readonly wantsChecks: boolean;
  /** Environments of which is to be known whether it was there. */
  readonly environments: readonly string[];
}

export interface PromotionFindings {
  /**
   * Checks and commit statuses of the commit, the newest of each name and maker; null where nobody can say which there are.
   * `conclusion` is GitHub's own word, null while one runs.
   */
  readonly checks: readonly { readonly name: string; readonly conclusion: string | null }[] | null;
  /** Successful deployments of the commit by others than Maestro, the newest of each environment. */
  readonly deployments: readonly {
    readonly environment: string;
    readonly sha: string;
    /** ISO 8601. */
    readonly succeededAt: string;
    /** When something else took its place; null while it stands. */
    readonly endedAt: string | null;
  }[];
}

/** Facts about promotions that the store does not have. */
export interface PromotionSource {
  /**
   * Undefined where it is not known yet to which repository the run belongs: its gates are visited when it is.
   * @throws what may pass: the caller asks again later
   */
  facts(ask: PromotionAsk): Promise<PromotionFindings | undefined>;
}
