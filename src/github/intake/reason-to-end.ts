import type { GitHubRun } from '../../protocol/github-run.ts';
import type { Octokit } from '../octokit.ts';

const BRANCH = 'refs/heads/';

/**
 * Why nobody can want a run any more: its pull request was closed without being merged, or its branch is gone and its
 * commit was not merged by a pull request. Null while somebody may.
 */
export async function reasonToEnd(octokit: Octokit, row: GitHubRun): Promise<string | null> {
  const place = { owner: row.owner, repo: row.repo };
  if (row.pullNumber !== null) {
    const { data } = await octokit.rest.pulls.get({ ...place, pull_number: row.pullNumber });
    return data.state === 'closed' && !data.merged ? `pull request ${row.pullNumber} was closed` : null;
  }
  if (!row.ref.startsWith(BRANCH) || (await hasBranch(octokit, row))) return null;
  const { data } = await octokit.rest.repos.listPullRequestsAssociatedWithCommit({ ...place, commit_sha: row.headSha });
  const isMerged = data.some(({ merged_at }) => merged_at !== null);
  return isMerged ? null : `the branch ${row.ref.slice(BRANCH.length)} was deleted`;
}

async function hasBranch(octokit: Octokit, { owner, repo, ref }: GitHubRun): Promise<boolean> {
  try {
    await octokit.rest.git.getRef({ owner, repo, ref: ref.slice('refs/'.length) });
    return true;
  } catch (error) {
    if ((error as { readonly status?: unknown }).status === 404) return false;
    throw error;
  }
}
