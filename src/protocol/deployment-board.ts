import type { Digest } from '../base/digest.ts';
import type { CheckTarget } from './check.ts';

/** GitHub knows one more, `waiting`, which only its own Actions may say. */
export type DeploymentState = 'queued' | 'in_progress' | 'success' | 'failure' | 'error' | 'inactive';

/**
 * What a deployment on GitHub should say: what a run brings to an environment. There is one for each run and environment.
 * Texts are plain.
 */
export interface DeploymentSpec {
  /** Unique per commit in Maestro: `<run id>/environment/<name>`. */
  readonly externalId: string;
  readonly runId: string;
  readonly planDigest: Digest;
  /** As GitHub names it. */
  readonly environment: string;
  /** Of the deployment itself, said when it is made. */
  readonly title: string;
  readonly state: DeploymentState;
  /** Of the state; at most 140 characters. */
  readonly description: string;
  /** Page of what happens. Another one alone is no news: what was told keeps it. */
  readonly logUrl: string | null;
  /** Where people reach what was deployed. */
  readonly environmentUrl: string | null;
  /** People who use it are reached by it directly. */
  readonly isProduction: boolean;
  /** It ended before any of it began: told only where GitHub has heard of it already. */
  readonly isVain: boolean;
}

/** What should stand on GitHub's deployments. Implemented by the store; the loop that writes checks brings GitHub to it. */
export interface DeploymentBoard {
  /**
   * Says how a deployment stands from now on; `version` orders words of several processes, as for checks. Success makes
   * earlier ones of its environment inactive.
   */
  putDeployment(target: CheckTarget, spec: DeploymentSpec, version: number): Promise<void>;
  /** Environments that something was said of for the run. */
  deployedBy(target: Pick<CheckTarget, 'repositoryId' | 'headSha'>, runId: string): Promise<readonly string[]>;
}
