import type { ProbotOctokit } from 'probot';

/** GitHub's REST client with Probot's plug-ins: retries, throttling by GitHub's own limits, pagination. */
export type Octokit = InstanceType<typeof ProbotOctokit>;

/** Clients by what they may do. Built by the door, which alone knows the App's private key. */
export interface GitHubAccess {
  /** As the App itself: hook deliveries, installations. */
  readonly app: Octokit;
  /** As one installation. Tokens are cached and renewed. */
  installation(installationId: number): Promise<Octokit>;
}
