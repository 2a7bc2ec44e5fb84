import type { GitHubRun } from '../../protocol/github-run.ts';
import { tipOf } from '../matching/definitions.ts';
import type { Octokit } from '../octokit.ts';

const BRANCH = 'refs/heads/';
const PULL = 'refs/pull/';

/** Whether a run is of a pull request alone: one that a push started too is of the branch, and goes on with that. */
export function endsWithPull({ ref, pullNumber, survivesClosing }: GitHubRun): boolean {
  return pullNumber !== null && ref.startsWith(PULL) && !survivesClosing;
}

/**
 * Why nobody can want a run any more: its pull request was closed without being merged, and no other one has its commit; or
 * its branch is gone and its commit was not merged by a pull request. Null while somebody may.
 */
export async function reasonToEnd(octokit: Octokit, row: GitHubRun): Promise<string | null> {
  if (endsWithPull(row)) return reasonOfPull(octokit, row);
  if (!row.ref.startsWith(BRANCH)) return null;
  const branch = row.ref.slice(BRANCH.length);
  if ((await tipOf(octokit, { owner: row.owner, name: row.repo }, branch)) !== undefined) return null;
  const isMerged = (await pullsOf(octokit, row)).some(({ merged_at }) => merged_at !== null);
  return isMerged ? null : `the branch ${branch} was deleted`;
}

async function reasonOfPull(octokit: Octokit, row: GitHubRun): Promise<string | null> {
  const { owner, repo, pullNumber, headSha } = row;
  const { data } = await octokit.rest.pulls.get({ owner, repo, pull_number: pullNumber ?? 0 });
  if (data.state !== 'closed' || data.merged) return null;
  const isElsewhere = (await pullsOf(octokit, row)).some(({ state, head }) => state === 'open' && head.sha === headSha);
  return isElsewhere ? null : `pull request ${pullNumber} was closed`;
}

async function pullsOf(octokit: Octokit, { owner, repo, headSha }: GitHubRun) {
  return (await octokit.rest.repos.listPullRequestsAssociatedWithCommit({ owner, repo, commit_sha: headSha })).data;
}
