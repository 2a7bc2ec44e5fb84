import type { GitHubRun } from '../../protocol/github-run.ts';

/** No ref of git: what happens to the branch decides nothing for a job that waits. */
const REF = 'refs/deployments/';

/** Where a run belongs that decides about deployments to an environment. */
export function refOfDecision(environment: string): string {
  return REF + environment;
}

/**
 * Whether a run decides for a job of GitHub Actions: it stands on a commit and says nothing of it. It is not made again either: whom
 * it answered has gone on, and asks anew.
 */
export function isDeploymentDecision({ ref }: Pick<GitHubRun, 'ref'>): boolean {
  return ref.startsWith(REF);
}
