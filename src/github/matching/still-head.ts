import type { CodeEvent } from '../code-event.ts';
import type { Octokit } from '../octokit.ts';
import { tipOf } from './definitions.ts';

/** Whether the commit of a push or a pull request is the newest one there now: an event may come late. */
export async function isStillHead(octokit: Octokit, event: CodeEvent): Promise<boolean> {
  const { repository, pull, branch, headSha } = event;
  if (pull) {
    const place = { owner: repository.owner, repo: repository.name, pull_number: pull.number };
    const { data } = await octokit.rest.pulls.get(place);
    return data.state === 'open' && data.head.sha === headSha;
  }
  return branch !== null && (await tipOf(octokit, repository, branch)) === headSha;
}
