import type { Pull, Repository } from './model.ts';

/** Where the base branch is now; what is known of it where it was deleted. */
export async function baseTip(
  { git }: Repository,
  { baseRef, baseSha }: Pick<Pull, 'baseRef' | 'baseSha'>,
): Promise<string> {
  return (await git.refs()).get(`refs/heads/${baseRef}`) ?? baseSha;
}

/** The branch whose tip a commit is, or null. */
export async function branchAt(repository: Repository, sha: string): Promise<string | null> {
  for (const [ref, at] of await repository.git.refs()) {
    if (at === sha && ref.startsWith('refs/heads/')) return ref.slice('refs/heads/'.length);
  }
  return null;
}
