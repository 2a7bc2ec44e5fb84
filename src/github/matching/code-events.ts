import { isoTime } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import type { CodeEvent, PullFacts, RepositoryFacts } from '../code-event.ts';
import type { Delivery } from '../delivery-handler.ts';
import { flagAt, numberAt, objectAt, objectsAt, textAt } from '../intake/payload.ts';

const QUEUE_BRANCHES = 'gh-readonly-queue/';
const NOTHING = /^0+$/;
const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const BRANCH = 'refs/heads/';
const TAG = 'refs/tags/';
/** What a date can hold. */
const SECONDS_MAX = 8_640_000_000_000;
/** Actions of a pull request that bring commits: whoever is behind them pushed. */
const BRING_COMMITS = ['opened', 'synchronize'];

/**
 * The reasons to start pipelines that lie in a webhook; none where the payload lacks what a run needs. A release names a
 * tag and no commit: its `headSha` and `definitionsSha` are empty and for the caller to find.
 */
export function codeEventsFrom(delivery: Delivery): readonly CodeEvent[] {
  const repository = repositoryOf(delivery);
  if (!repository) return [];
  const event = read(delivery, repository);
  if (!event) return [];
  return isRetargeted(delivery) ? [event, { ...event, action: 'synchronize' }] : [event];
}

/**
 * Another base branch has other rules, and for a fork other pipelines: what was found for the one before must not stand.
 * GitHub says no more than that the pull request was edited.
 */
function isRetargeted({ event, action, payload }: Delivery): boolean {
  return event === 'pull_request' && action === 'edited' && objectAt(payload, 'changes.base') !== undefined;
}

function read(delivery: Delivery, repository: RepositoryFacts): CodeEvent | undefined {
  switch (delivery.event) {
    case 'push':
      return fromPush(delivery, repository);
    case 'pull_request':
      return fromPull(delivery, repository);
    case 'merge_group':
      return fromMergeGroup(delivery, repository);
    case 'release':
      return fromRelease(delivery, repository);
    default:
      return undefined;
  }
}

/** The repository of a webhook; undefined where it, or the installation, is not named in full. */
export function repositoryOf({ installationId, payload }: Delivery): RepositoryFacts | undefined {
  const id = numberAt(payload, 'repository.id');
  const owner = textAt(payload, 'repository.owner.login') ?? textAt(payload, 'repository.owner.name');
  const name = textAt(payload, 'repository.name');
  if (installationId === null || id === undefined || !owner || !name) return undefined;
  return {
    installationId,
    id,
    owner,
    name,
    defaultBranch: textAt(payload, 'repository.default_branch') ?? 'main',
    url: textAt(payload, 'repository.html_url') ?? '',
  };
}

/** A pull request as webhooks and the REST API show it; undefined where it lacks number, head or base. */
export function pullFrom(pull: JsonObject): PullFacts | undefined {
  const number = numberAt(pull, 'number');
  const headSha = shaAt(pull, 'head.sha');
  const baseSha = shaAt(pull, 'base.sha');
  const headRef = textAt(pull, 'head.ref');
  const baseRef = textAt(pull, 'base.ref');
  if (number === undefined || !headSha || !baseSha || !headRef || !baseRef) return undefined;
  const base = numberAt(pull, 'base.repo.id');
  return {
    number,
    headSha,
    headRef,
    baseRef,
    baseSha,
    author: textAt(pull, 'user.login') ?? 'ghost',
    // Of two repositories that are not named it cannot be said that they are the same.
    isFork: base === undefined || numberAt(pull, 'head.repo.id') !== base,
    isDraft: flagAt(pull, 'draft'),
    labels: objectsAt(pull, 'labels').flatMap((label) => textAt(label, 'name') ?? []),
  };
}

/** The event of a pull request. Of a fork, definitions come from the base branch. */
export function pullEvent(
  pull: PullFacts,
  facts: Pick<CodeEvent, 'action' | 'deliveryId' | 'repository' | 'actor'> &
    Partial<Pick<CodeEvent, 'actorId' | 'pushedBy' | 'beforeSha' | 'happenedAt'>>,
): CodeEvent {
  return {
    happenedAt: null,
    pushedBy: null,
    beforeSha: null,
    ...facts,
    type: 'pull_request',
    headSha: pull.headSha,
    baseSha: pull.baseSha,
    definitionsSha: pull.isFork ? pull.baseSha : pull.headSha,
    ref: `refs/pull/${pull.number}/head`,
    branch: pull.baseRef,
    tag: null,
    pull,
    commitMessage: null,
    command: null,
  };
}

function fromPush(delivery: Delivery, repository: RepositoryFacts): CodeEvent | undefined {
  const { payload } = delivery;
  const ref = textAt(payload, 'ref') ?? '';
  const after = shaAt(payload, 'after');
  if (!after || flagAt(payload, 'deleted')) return undefined;
  const facts = factsOf(delivery, repository);
  const beforeSha = shaAt(payload, 'before') ?? null;
  const common = {
    ...facts,
    happenedAt: pushTime(payload),
    pushedBy: facts.actor,
    beforeSha,
    pull: null,
    command: null,
    ref,
  };
  if (ref.startsWith(TAG)) {
    // `after` of an annotated tag is the tag itself, not its commit.
    const headSha = shaAt(payload, 'head_commit.id') ?? after;
    const tag = ref.slice(TAG.length);
    return {
      ...common,
      type: 'tag',
      headSha,
      baseSha: null,
      definitionsSha: headSha,
      branch: null,
      tag,
      commitMessage: null,
    };
  }
  const branch = ref.slice(BRANCH.length);
  if (!ref.startsWith(BRANCH) || branch.startsWith(QUEUE_BRANCHES)) return undefined;
  return {
    ...common,
    type: 'push',
    headSha: after,
    baseSha: beforeSha,
    definitionsSha: after,
    branch,
    tag: null,
    commitMessage: textAt(payload, 'head_commit.message') ?? null,
  };
}

function fromPull(delivery: Delivery, repository: RepositoryFacts): CodeEvent | undefined {
  const object = objectAt(delivery.payload, 'pull_request');
  const pull = object && pullFrom(object);
  if (!pull) return undefined;
  const facts = factsOf(delivery, repository);
  const pushedBy = BRING_COMMITS.includes(delivery.action ?? '') ? facts.actor : null;
  const happenedAt = textAt(delivery.payload, 'pull_request.updated_at') ?? null;
  return pullEvent(pull, { ...facts, happenedAt, pushedBy, beforeSha: shaAt(delivery.payload, 'before') ?? null });
}

/** Where a push is told of, GitHub gives the repository's times in seconds. */
function pushTime(payload: JsonObject): string | null {
  const seconds = numberAt(payload, 'repository.pushed_at');
  return seconds === undefined || seconds > SECONDS_MAX ? null : isoTime(seconds * 1000);
}

function fromMergeGroup(delivery: Delivery, repository: RepositoryFacts): CodeEvent | undefined {
  const { payload } = delivery;
  const headSha = shaAt(payload, 'merge_group.head_sha');
  const ref = textAt(payload, 'merge_group.head_ref');
  if (delivery.action !== 'checks_requested' || !headSha || !ref) return undefined;
  return {
    ...factsOf(delivery, repository),
    happenedAt: null,
    pushedBy: null,
    beforeSha: null,
    type: 'merge_group',
    headSha,
    baseSha: shaAt(payload, 'merge_group.base_sha') ?? null,
    definitionsSha: headSha,
    ref,
    branch: (textAt(payload, 'merge_group.base_ref') ?? '').replace(BRANCH, ''),
    tag: null,
    pull: null,
    commitMessage: null,
    command: null,
  };
}

function fromRelease(delivery: Delivery, repository: RepositoryFacts): CodeEvent | undefined {
  const tag = textAt(delivery.payload, 'release.tag_name');
  if (!tag) return undefined;
  return {
    ...factsOf(delivery, repository),
    happenedAt: null,
    pushedBy: null,
    beforeSha: null,
    type: 'release',
    headSha: '',
    baseSha: null,
    definitionsSha: '',
    ref: TAG + tag,
    branch: null,
    tag,
    pull: null,
    commitMessage: null,
    command: null,
  };
}

function factsOf(
  { id, action, payload }: Delivery,
  repository: RepositoryFacts,
): Pick<CodeEvent, 'action' | 'deliveryId' | 'repository' | 'actor' | 'actorId'> {
  const actor = textAt(payload, 'sender.login') ?? textAt(payload, 'pusher.name') ?? 'ghost';
  const actorId = numberAt(payload, 'sender.id');
  return { action, deliveryId: id, repository, actor, ...(actorId !== undefined && { actorId }) };
}

/** A commit's id; undefined for the row of zeros that stands for "none". */
function shaAt(payload: JsonObject, path: string): string | undefined {
  const sha = textAt(payload, path);
  return sha !== undefined && SHA.test(sha) && !NOTHING.test(sha) ? sha : undefined;
}
