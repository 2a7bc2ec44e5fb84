import { MaestroError } from '../../base/errors.ts';
import type { CodeEvent } from '../code-event.ts';
import type { Octokit } from '../octokit.ts';
import type { CheckRequest } from './check-request.ts';
import { fetchPull, grantFor, type Pull, pullEvent, pullsOfHead } from './pull.ts';
import type { CommandTools } from './tools.ts';

/** Starts pipelines of a commit for which there is no run to repeat: one by its path, or all that match. */
export async function startAgain(
  tools: CommandTools,
  octokit: Octokit,
  request: CheckRequest,
  pipeline: string | undefined,
): Promise<string> {
  const { repository, sender, key } = request;
  const pull = await pullOf(octokit, request);
  const cause = { actor: sender.login, actorId: sender.id, deliveryId: key };
  const event = pull ? pullEvent(repository, pull, cause) : pushEvent(request, await branchOf(octokit, request));
  const isTrusted = pull?.isFork === true && (await tools.grants.isGranted(grantFor(repository, pull)));
  const choice = { occasion: key, isTrusted, ...(pipeline === undefined ? {} : { pipeline }) };
  const { started, held, broken } = await tools.starter.start(event, choice);
  return `started ${started.length}, held ${held.length}, broken ${broken.length}`;
}

/** The open pull request whose head the check stands on, asked of GitHub: the payload names none where it is a fork's. */
export async function pullOf(octokit: Octokit, { repository, headSha }: CheckRequest): Promise<Pull | undefined> {
  const [first] = await pullsOfHead(octokit, repository, headSha);
  const pull = first === undefined ? undefined : await fetchPull(octokit, repository, first);
  return pull?.headSha === headSha ? pull : undefined;
}

/**
 * The branch of the repository that has the commit. GitHub names none for a fork's; that a branch of such a name is there
 * does not make the commit one of this repository, whose pipelines would then be trusted.
 * @throws CONFLICT for a commit of a fork that is no head any more: nothing says where its pipelines would be read
 */
async function branchOf(octokit: Octokit, { repository, headSha, headBranch }: CheckRequest): Promise<string> {
  if (headBranch !== null && (await isOnBranch(octokit, repository, headSha, headBranch))) return headBranch;
  throw new MaestroError('CONFLICT', `${headSha} is the head of no open pull request, and on no branch that is known`);
}

async function isOnBranch(
  octokit: Octokit,
  { owner, name: repo }: CheckRequest['repository'],
  headSha: string,
  branch: string,
): Promise<boolean> {
  const basehead = `${headSha}...${branch}`;
  try {
    const { data } = await octokit.rest.repos.compareCommitsWithBasehead({ owner, repo, basehead, per_page: 1 });
    return data.status === 'ahead' || data.status === 'identical';
  } catch (error) {
    const { status } = error as { readonly status?: unknown };
    // No such branch, or nothing in common.
    if (status === 404 || status === 422) return false;
    throw error;
  }
}

function pushEvent({ repository, headSha, sender, key }: CheckRequest, headBranch: string): CodeEvent {
  return {
    type: 'push',
    action: null,
    deliveryId: key,
    repository,
    actor: sender.login,
    actorId: sender.id,
    happenedAt: null,
    pushedBy: null,
    headSha,
    baseSha: null,
    beforeSha: null,
    definitionsSha: headSha,
    ref: `refs/heads/${headBranch}`,
    branch: headBranch,
    tag: null,
    pull: null,
    commitMessage: null,
    command: null,
  };
}
