import type { TestGrants } from '../../protocol/test-grant.ts';
import type { CodeEvent, PullFacts, RepositoryFacts } from '../code-event.ts';
import { pullEvent as eventOfPull } from '../matching/code-events.ts';
import type { Octokit } from '../octokit.ts';

/** A pull request as GitHub has it now: comments and checks do not carry it. */
export interface Pull extends PullFacts {
  readonly isOpen: boolean;
  readonly authorId: number | null;
  /** When anything was last pushed to the repository of its head, by GitHub's clock; null where that is unknown. */
  readonly headPushedAt: string | null;
}

export async function fetchPull(
  octokit: Octokit,
  repository: Pick<RepositoryFacts, 'owner' | 'name'>,
  number: number,
): Promise<Pull> {
  const { data } = await octokit.rest.pulls.get({
    owner: repository.owner,
    repo: repository.name,
    pull_number: number,
  });
  const { head, base, user } = data;
  return {
    number,
    headSha: head.sha,
    headRef: head.ref,
    baseRef: base.ref,
    baseSha: base.sha,
    author: user?.login ?? '',
    authorId: user?.id ?? null,
    isFork: head.repo?.id !== base.repo.id,
    isDraft: data.draft === true,
    labels: data.labels.flatMap((label) => label.name ?? []),
    isOpen: data.state === 'open',
    headPushedAt: head.repo?.pushed_at ?? null,
  };
}

/** Numbers of the open pull requests whose head is this commit. */
export async function pullsOfHead(
  octokit: Octokit,
  repository: RepositoryFacts,
  headSha: string,
): Promise<readonly number[]> {
  const place = { owner: repository.owner, repo: repository.name };
  const { data } = await octokit.rest.repos.listPullRequestsAssociatedWithCommit({ ...place, commit_sha: headSha });
  return data.filter((pull) => pull.state === 'open' && pull.head.sha === headSha).map(({ number }) => number);
}

/** What has to be vouched for, so that a fork's pull request may run as it is now. */
export function grantFor(
  repository: Pick<RepositoryFacts, 'id'>,
  { number, headSha, baseRef }: Pick<PullFacts, 'number' | 'headSha' | 'baseRef'>,
): Parameters<TestGrants['isGranted']>[0] {
  return { repositoryId: repository.id, pullNumber: number, headSha, baseRef };
}

/** Who asked, in which delivery. */
export type Cause = Pick<CodeEvent, 'actor' | 'actorId' | 'deliveryId'>;

/** The event of asking for a pull request's head, as its author's push would be one. */
export function pullEvent(
  repository: RepositoryFacts,
  { number, headSha, headRef, baseRef, baseSha, author, isFork, isDraft, labels }: Pull,
  cause: Cause,
  command: CodeEvent['command'] = null,
): CodeEvent {
  const pull = { number, headSha, headRef, baseRef, baseSha, author, isFork, isDraft, labels };
  const event = eventOfPull(pull, { ...cause, repository, action: 'synchronize' });
  return command === null ? event : { ...event, type: 'command', action: null, command };
}
