import type { CodeEvent } from '../code-event.ts';
import type { Octokit } from '../octokit.ts';

const PAGE = 100;
/** GitHub lists no more of a pull request, and of a comparison. */
const PULL_FILES_MAX = 3000;
const COMPARED_FILES_MAX = 300;

/**
 * The files that an event changed, old names of renamed ones included. Null where GitHub cannot say: beyond 3,000 files
 * of a pull request or 300 of a push, or where the branch moved to a commit that is not ahead of the one before. Filters of
 * paths then match, since a required check that runs needlessly is better than one that does not run.
 *
 * A push is compared with the commit before it, a branch's first push with the default branch. GitHub's API compares from
 * where the two parted: of a branch that was moved back or aside it shows nothing of what was taken away.
 */
export async function changedFiles(octokit: Octokit, event: CodeEvent): Promise<readonly string[] | null> {
  return event.pull ? filesOfPull(octokit, event, event.pull.number) : filesOfPush(octokit, event);
}

async function filesOfPull(
  octokit: Octokit,
  { repository }: CodeEvent,
  number: number,
): Promise<readonly string[] | null> {
  const place = { owner: repository.owner, repo: repository.name, pull_number: number, per_page: PAGE };
  const files: string[] = [];
  for (let page = 1; page * PAGE <= PULL_FILES_MAX; page++) {
    const { data } = await octokit.rest.pulls.listFiles({ ...place, page });
    files.push(...data.flatMap(namesOf));
    if (data.length < PAGE) return files;
  }
  return null;
}

async function filesOfPush(octokit: Octokit, event: CodeEvent): Promise<readonly string[] | null> {
  const { repository, baseSha, headSha, branch } = event;
  if (baseSha === null && branch === repository.defaultBranch) return null;
  const basehead = `${baseSha ?? repository.defaultBranch}...${headSha}`;
  const place = { owner: repository.owner, repo: repository.name, basehead };
  try {
    const { data } = await octokit.rest.repos.compareCommitsWithBasehead(place);
    const isAside = baseSha !== null && data.status !== 'ahead' && data.status !== 'identical';
    const { files } = data;
    if (isAside || files === undefined) return null;
    return files.length >= COMPARED_FILES_MAX ? null : files.flatMap(namesOf);
  } catch (error) {
    const { status } = error as { readonly status?: unknown };
    // A commit is gone, or the two have nothing in common.
    if (status === 404 || status === 422) return null;
    throw error;
  }
}

function namesOf(file: { readonly filename: string; readonly previous_filename?: string }): readonly string[] {
  return file.previous_filename === undefined ? [file.filename] : [file.filename, file.previous_filename];
}
