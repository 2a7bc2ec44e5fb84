import { ApiError, invalid } from '../api-error.ts';
import { baseTip } from '../branches.ts';
import { type Call, found, listed, needAuthorOrWrite, type Reply, type Routes } from '../call.ts';
import { noteEvent } from '../issue-events.ts';
import type { Issue, Pull, Repository } from '../model.ts';
import { changeRef, publishHead } from '../refs.ts';
import { authorOf } from '../repository.ts';
import type { Fields } from '../shape.ts';
import { commitView, fileView } from '../view/commit.ts';
import { pullView } from '../view/pull.ts';

export const PULLS: Routes = {
  'pulls/create': createPull,
  'pulls/get': async (call) => ({ status: 200, body: await pullView(call.world, call.repository, pullOf(call)) }),
  'pulls/list': listPulls,
  'pulls/list-files': async (call) => {
    const { world, repository } = call;
    const pull = pullOf(call);
    const fork = (await repository.git.mergeBase(pull.baseSha, pull.headSha)) ?? pull.baseSha;
    const files = await repository.git.files(fork, pull.headSha);
    return listed(call, files, (file) => fileView(world, repository, pull.headSha, file));
  },
  'pulls/list-commits': async (call) => {
    const { world, repository } = call;
    const pull = pullOf(call);
    const { items, headers } = call.page(
      (await repository.git.log([`${pull.baseSha}..${pull.headSha}`], 250)).toReversed(),
    );
    const views = [];
    for (const sha of items) views.push(await commitView(world, repository, sha));
    return { status: 200, body: views, headers };
  },
  'pulls/update': updatePull,
  'pulls/merge': mergePull,
};

export function pullOf(call: Call): Pull {
  return found(call.repository.pulls.get(call.number('pull_number')));
}

async function createPull(call: Call): Promise<Reply> {
  const { world, repository, actor } = call;
  const { head, headRef } = headOf(call, call.needText('head'), call.text('head_repo'));
  const baseRef = call.needText('base');
  const headSha = (await head.git.refs()).get(`refs/heads/${headRef}`);
  const baseSha = (await repository.git.refs()).get(`refs/heads/${baseRef}`);
  if (headSha === undefined)
    throw invalid('Validation Failed', [{ resource: 'PullRequest', field: 'head', code: 'invalid' }]);
  if (baseSha === undefined)
    throw invalid('Validation Failed', [{ resource: 'PullRequest', field: 'base', code: 'invalid' }]);
  judgeUnique(call, { headRepository: head, headRef, baseRef });
  const issue: Issue = {
    id: world.nextId(),
    number: repository.issues.size + 1,
    author: actor,
    createdAt: world.now(),
    updatedAt: world.now(),
    labels: [],
    isLocked: false,
    lockReason: null,
    reactions: [],
    events: [],
    title: call.text('title') ?? headRef,
    body: call.text('body') ?? null,
    state: 'open',
  };
  const facts = { headRepository: head, headRef, baseRef, headSha, baseSha };
  const pull: Pull = {
    id: world.nextId(),
    issue,
    ...facts,
    isDraft: call.flag('draft'),
    mergedAt: null,
    mergeSha: null,
  };
  await publishHead(repository, pull);
  if ((await repository.git.mergeBase(baseSha, headSha)) === headSha)
    throw invalid(`No commits between ${baseRef} and ${headRef}`);
  repository.issues.set(issue.number, issue);
  repository.pulls.set(issue.number, pull);
  const view = await pullView(world, repository, pull);
  world.emit({
    event: 'pull_request',
    action: 'opened',
    repository,
    sender: actor,
    payload: { number: issue.number, pull_request: view },
  });
  return { status: 201, body: view };
}

/** One open pull request for the same two branches. */
function judgeUnique(
  { repository }: Call,
  { headRepository, headRef, baseRef }: Pick<Pull, 'headRepository' | 'headRef' | 'baseRef'>,
): void {
  for (const other of repository.pulls.values()) {
    const isSame =
      other.headRepository.id === headRepository.id && other.headRef === headRef && other.baseRef === baseRef;
    if (isSame && other.issue.state === 'open')
      throw invalid(`A pull request already exists for ${headRepository.owner.login}:${headRef}.`);
  }
}

/** `branch`, or `owner:branch` of a fork. */
function headOf(
  call: Call,
  head: string,
  headRepo: string | undefined,
): { readonly head: Repository; readonly headRef: string } {
  const { world, repository } = call;
  const [, owner = repository.owner.login, headRef = head] = /^([^:]+):(.+)$/.exec(head) ?? [];
  if (owner.toLowerCase() === repository.owner.login.toLowerCase()) return { head: repository, headRef };
  const fork = [...world.repositories.values()].find((other) => {
    const isOwners = other.owner.login.toLowerCase() === owner.toLowerCase();
    const isKin = (other.parent ?? other).id === (repository.parent ?? repository).id;
    return isOwners && isKin && (headRepo ?? other.name) === other.name;
  });
  if (fork === undefined)
    throw invalid('Validation Failed', [{ resource: 'PullRequest', field: 'head', code: 'invalid' }]);
  return { head: fork, headRef };
}

async function listPulls(call: Call): Promise<Reply> {
  const { world, repository } = call;
  const state = call.query('state') ?? 'open';
  const wanted = [...repository.pulls.values()].filter((pull) => {
    const label = `${pull.headRepository.owner.login}:${pull.headRef}`;
    return (
      (state === 'all' || pull.issue.state === state) &&
      (call.query('head') ?? label) === label &&
      (call.query('base') ?? pull.baseRef) === pull.baseRef
    );
  });
  const { items, headers } = call.page(wanted.toReversed());
  const views = [];
  for (const pull of items) views.push(await pullView(world, repository, pull));
  return { status: 200, body: views, headers };
}

async function updatePull(call: Call): Promise<Reply> {
  const { world, repository } = call;
  const pull = pullOf(call);
  needAuthorOrWrite(call, pull.issue.author);
  const changes = { ...changeText(call, pull.issue), ...(await changeBase(call, pull)) };
  pull.issue.updatedAt = world.now();
  if (Object.keys(changes).length > 0) await announcePull(call, pull, 'edited', { changes });
  await changeState(call, pull);
  return { status: 200, body: await pullView(world, repository, pull) };
}

function changeText(call: Call, issue: Issue): Fields {
  const { title, body } = issue;
  issue.title = call.text('title') ?? title;
  issue.body = call.text('body') ?? body;
  const isRenamed = issue.title !== title;
  if (isRenamed) noteEvent(call, issue, 'renamed', { rename: { from: title, to: issue.title } });
  return {
    ...(isRenamed ? { title: { from: title } } : {}),
    ...(issue.body === body ? {} : { body: { from: body ?? '' } }),
  };
}

async function changeBase(call: Call, pull: Pull): Promise<Fields> {
  const { baseRef, baseSha, headRepository, headRef } = pull;
  const wanted = call.text('base') ?? baseRef;
  if (wanted === baseRef) return {};
  const refusal = invalid('Validation Failed', [{ resource: 'PullRequest', field: 'base', code: 'invalid' }]);
  const tip = (await call.repository.git.refs()).get(`refs/heads/${wanted}`);
  if (tip === undefined || pull.mergedAt !== null) throw refusal;
  judgeUnique(call, { headRepository, headRef, baseRef: wanted });
  pull.baseRef = wanted;
  pull.baseSha = tip;
  noteEvent(call, pull.issue, 'base_ref_changed');
  return { base: { ref: { from: baseRef }, sha: { from: baseSha } } };
}

async function changeState(call: Call, pull: Pull): Promise<void> {
  const { issue } = pull;
  const state = call.text('state') ?? issue.state;
  if (state === issue.state || (state !== 'open' && state !== 'closed')) return;
  issue.state = state;
  const action = state === 'open' ? 'reopened' : 'closed';
  noteEvent(call, issue, action);
  await announcePull(call, pull, action, {});
}

/** A person merges; the sandbox makes the merge commit as GitHub's button does. */
async function mergePull(call: Call): Promise<Reply> {
  const { world, repository, actor } = call;
  const pull = pullOf(call);
  if (pull.issue.state !== 'open') throw new ApiError(405, 'Pull Request is not mergeable');
  const wantedSha = call.text('sha');
  if (wantedSha !== undefined && wantedSha !== pull.headSha) {
    throw new ApiError(409, 'Head branch was modified. Review and try the merge again.');
  }
  const base = await baseTip(repository, pull);
  const tree = await repository.git.mergedTree(base, pull.headSha);
  if (tree === null) throw new ApiError(405, 'Pull Request has merge conflicts');
  const message = `${call.text('commit_title') ?? `Merge pull request #${pull.issue.number} from ${pull.headRef}`}\n\n${call.text('commit_message') ?? pull.issue.title}`;
  const parents = call.text('merge_method') === 'squash' ? [base] : [base, pull.headSha];
  const sha = await repository.git.writeCommit({ tree, parents, message, author: authorOf(actor, world.now()) });
  pull.issue.state = 'closed';
  pull.issue.updatedAt = world.now();
  pull.mergedAt = world.now();
  pull.mergeSha = sha;
  noteEvent(call, pull.issue, 'merged', { commitSha: sha });
  noteEvent(call, pull.issue, 'closed');
  await changeRef(world, repository, `refs/heads/${pull.baseRef}`, sha, actor);
  await announcePull(call, pull, 'closed', {});
  return { status: 200, body: { sha, merged: true, message: 'Pull Request successfully merged' } };
}

export async function announcePull(
  call: Call,
  pull: Pull,
  action: string,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { world, repository, actor } = call;
  const payload = { number: pull.issue.number, pull_request: await pullView(world, repository, pull), ...more };
  world.emit({ event: 'pull_request', action, repository, sender: actor, payload });
}

/** `ready_for_review` and `converted_to_draft`: GitHub has them in GraphQL only, people click them. */
export async function setDraft(
  call: Pick<Call, 'world' | 'repository' | 'actor'>,
  number: number,
  isDraft: boolean,
): Promise<void> {
  const { world, repository, actor } = call;
  const pull = found(repository.pulls.get(number));
  pull.isDraft = isDraft;
  const action = isDraft ? 'converted_to_draft' : 'ready_for_review';
  const payload = { number, pull_request: await pullView(world, repository, pull) };
  world.emit({ event: 'pull_request', action, repository, sender: actor, payload });
}
