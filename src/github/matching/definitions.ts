import type { CodeEvent } from '../code-event.ts';
import type { Octokit } from '../octokit.ts';

/**
 * The event with the commit at which its definitions are read. A fork's are those of its base branch as that is now: GitHub
 * does not move a pull request's `base.sha` along, and a pull request that was parked would keep pipelines alive that were
 * hardened since.
 */
export async function withDefinitions(octokit: Octokit, event: CodeEvent): Promise<CodeEvent> {
  if (event.pull?.isFork !== true) return event;
  const tip = await tipOf(octokit, event.repository, event.pull.baseRef);
  return tip === undefined ? event : { ...event, definitionsSha: tip };
}

/** The commit of a branch now; undefined where there is no such branch. */
export async function tipOf(
  octokit: Octokit,
  repository: { readonly owner: string; readonly name: string },
  branch: string,
): Promise<string | undefined> {
  const place = { owner: repository.owner, repo: repository.name, ref: `heads/${branch}` };
  try {
    return (await octokit.rest.git.getRef(place)).data.object.sha;
  } catch (error) {
    if ((error as { readonly status?: unknown }).status === 404) return undefined;
    throw error;
  }
}
