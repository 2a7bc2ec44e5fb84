import type { GitHubRun } from '../../src/protocol/github-run.ts';

/** A run of a branch's code. */
export function githubRun(change: Partial<GitHubRun> = {}): GitHubRun {
  const { ref = 'refs/heads/main' } = change;
  return {
    runId: 'r1',
    installationId: 3,
    repositoryId: 11,
    owner: 'octo',
    repo: 'app',
    headSha: 'c'.repeat(40),
    ref,
    defaultBranch: 'main',
    pullNumber: null,
    baseRef: null,
    isFork: false,
    pipelinePath: '.maestro/ci.yaml',
    checkName: 'maestro / ci',
    occasion: `code/${ref}`,
    survivesClosing: false,
    ...change,
  };
}
