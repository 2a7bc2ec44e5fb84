import { baseTip } from './branches.ts';
import { found } from './call.ts';
import type { Account, MergeGroup, Pull, Repository } from './model.ts';
import { changeRef } from './refs.ts';
import { authorOf } from './repository.ts';
import type { Fields } from './shape.ts';
import { commitEventView } from './view/commit.ts';
import { pullView } from './view/pull.ts';
import type { World } from './world.ts';

export type LeaveReason = 'merged' | 'dequeued' | 'invalidated';

/** What the event of the pull request says where the one of the group says this. */
const PULL_REASONS = { merged: 'MERGE', dequeued: 'MANUAL', invalidated: 'INVALID_MERGE_COMMIT' } as const;

/** Merges on a branch that only the queue writes. Each group stands on the base as it is, and knows of no other. */
export async function enqueue(
  world: World,
  repository: Repository,
  number: number,
  sender: Account,
): Promise<MergeGroup> {
  const pull = found(repository.pulls.get(number));
  if (pull.issue.state !== 'open' || repository.mergeGroups.has(number))
    throw new Error(`pull request ${number} is not open, or in the queue already`);
  const baseSha = await baseTip(repository, pull);
  const ref = `refs/heads/gh-readonly-queue/${pull.baseRef}/pr-${number}-${baseSha}`;
  const group = {
    pull,
    ref,
    baseSha,
    headSha: await mergeCommit(world, repository, pull, { baseSha, sender }),
    sender,
  };
  repository.mergeGroups.set(number, group);
  await emitPull(world, repository, group, 'enqueued', {});
  await changeRef(world, repository, ref, group.headSha, sender);
  await emitGroup(world, repository, group, 'checks_requested', {});
  return group;
}

export async function dequeue(
  world: World,
  repository: Repository,
  number: number,
  reason: LeaveReason,
): Promise<void> {
  const group = repository.mergeGroups.get(number);
  if (group === undefined) throw new Error(`pull request ${number} is not in the queue`);
  const { pull, ref, baseSha, headSha, sender } = group;
  const isMerged = reason === 'merged';
  if (isMerged && (await baseTip(repository, pull)) !== baseSha)
    throw new Error(`the base of pull request ${number} has moved: what was tested is not what would come`);
  repository.mergeGroups.delete(number);
  if (isMerged) await changeRef(world, repository, `refs/heads/${pull.baseRef}`, headSha, sender);
  await emitGroup(world, repository, group, 'destroyed', { reason });
  await changeRef(world, repository, ref, null, sender);
  await emitPull(world, repository, group, 'dequeued', { reason: PULL_REASONS[reason] });
  if (isMerged) await closeMerged(world, repository, group);
}

async function mergeCommit(
  world: World,
  { git }: Repository,
  { headSha, headRef, issue }: Pull,
  { baseSha, sender }: { readonly baseSha: string; readonly sender: Account },
): Promise<string> {
  const tree = await git.mergedTree(baseSha, headSha);
  if (tree === null) throw new Error(`pull request ${issue.number} conflicts with its base`);
  const message = `Merge pull request #${issue.number} from ${headRef}\n\n${issue.title}`;
  return await git.writeCommit({ tree, parents: [baseSha, headSha], message, author: authorOf(sender, world.now()) });
}

async function closeMerged(world: World, repository: Repository, group: MergeGroup): Promise<void> {
  const { pull, headSha, sender } = group;
  const at = world.now();
  Object.assign(pull.issue, { state: 'closed', updatedAt: at });
  Object.assign(pull, { mergedAt: at, mergeSha: headSha });
  const event = { actor: sender, app: null, createdAt: at, details: {} };
  pull.issue.events.push({ ...event, id: world.nextId(), event: 'merged', commitSha: headSha });
  pull.issue.events.push({ ...event, id: world.nextId(), event: 'closed', commitSha: null });
  await emitPull(world, repository, group, 'closed', {});
}

async function emitGroup(
  world: World,
  repository: Repository,
  { pull, ref, headSha, baseSha, sender }: MergeGroup,
  action: string,
  more: Fields,
): Promise<void> {
  const { id, tree_id, message, timestamp, author, committer } = await commitEventView(world, repository, headSha);
  const group = {
    head_sha: headSha,
    head_ref: ref,
    base_sha: baseSha,
    base_ref: `refs/heads/${pull.baseRef}`,
    head_commit: { id, tree_id, message, timestamp, author, committer },
  };
  world.emit({ event: 'merge_group', action, repository, sender, payload: { merge_group: group, ...more } });
}

async function emitPull(
  world: World,
  repository: Repository,
  { pull, sender }: MergeGroup,
  action: string,
  more: Fields,
): Promise<void> {
  const payload = { number: pull.issue.number, pull_request: await pullView(world, repository, pull), ...more };
  world.emit({ event: 'pull_request', action, repository, sender, payload });
}
