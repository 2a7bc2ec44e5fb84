import { baseTip } from './branches.ts';
import { ZERO_SHA } from './git.ts';
import type { Account, App, CheckSuite, Pull, Repository } from './model.ts';
import { checkSuiteView } from './view/check.ts';
import { commitEventView } from './view/commit.ts';
import { pullView } from './view/pull.ts';
import { pageUrl, repositoryUrl } from './view/repository.ts';
import type { World } from './world.ts';

/** GitHub sends no events when more tags than this are pushed at once. */
const TAGS_MAX = 3;
const COMMITS_MAX = 20;

export interface RefChange {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}

/** Moves a ref and tells everybody, as a push does. */
export async function changeRef(
  world: World,
  repository: Repository,
  ref: string,
  sha: string | null,
  sender: Account,
): Promise<void> {
  const before = (await repository.git.refs()).get(ref) ?? ZERO_SHA;
  await repository.git.updateRef(ref, sha);
  await announceRefChanges(world, repository, [{ ref, before, after: sha ?? ZERO_SHA }], sender);
}

/** The events of refs that have moved already: `create`, `delete`, `push`, `check_suite`, `pull_request` synchronize. */
export async function announceRefChanges(
  world: World,
  repository: Repository,
  changes: readonly RefChange[],
  sender: Account,
): Promise<void> {
  const moved = changes.filter(({ ref, before, after }) => before !== after && /^refs\/(heads|tags)\//.test(ref));
  if (moved.length > 0) repository.pushedAt = world.now();
  const isTooMany = moved.filter(({ ref }) => ref.startsWith('refs/tags/')).length > TAGS_MAX;
  for (const change of moved) {
    const isTag = change.ref.startsWith('refs/tags/');
    if (!(isTag && isTooMany)) await announcePush(world, repository, change, sender);
    if (!isTag) await announcePulls(world, repository, change, sender);
  }
}

async function announcePush(world: World, repository: Repository, change: RefChange, sender: Account): Promise<void> {
  const { ref, before, after } = change;
  const isTag = ref.startsWith('refs/tags/');
  const name = ref.replace(/^refs\/(heads|tags)\//, '');
  const refType = isTag ? 'tag' : 'branch';
  if (before === ZERO_SHA) {
    const payload = {
      ref: name,
      ref_type: refType,
      master_branch: repository.defaultBranch,
      description: null,
      pusher_type: 'user',
    };
    world.emit({ event: 'create', repository, sender, payload });
  }
  const push = await pushPayload(world, repository, change, sender);
  world.emit({ event: 'push', repository, sender, payload: push });
  if (after === ZERO_SHA) {
    world.emit({ event: 'delete', repository, sender, payload: { ref: name, ref_type: refType, pusher_type: 'user' } });
    return;
  }
  if (isTag) return;
  for (const { app } of world.installationsOf(repository)) {
    if (app.permissions['checks'] !== 'write' || hasSuite(repository, app, after)) continue;
    const suite = suiteOf(world, repository, app, after, name);
    const payload = { check_suite: await checkSuiteView(world, repository, suite) };
    world.emit({ event: 'check_suite', action: 'requested', repository, sender, payload, only: app });
  }
}

async function pushPayload(
  world: World,
  repository: Repository,
  { ref, before, after }: RefChange,
  sender: Account,
): Promise<object & Record<string, unknown>> {
  const { git } = repository;
  const head = after === ZERO_SHA ? null : await git.resolve(after);
  const base = before === ZERO_SHA ? null : await git.resolve(before);
  const range = head === null ? null : base === null ? [head] : [`${base}..${head}`];
  const shas =
    range === null || (base === null && !ref.startsWith('refs/heads/')) ? [] : await git.log(range, COMMITS_MAX);
  const commits = [];
  for (const sha of shas.toReversed()) commits.push(await commitEventView(world, repository, sha));
  return {
    ref,
    before,
    after,
    created: before === ZERO_SHA,
    deleted: after === ZERO_SHA,
    forced: head !== null && base !== null && !(await git.isAncestor(base, head)),
    base_ref: null,
    compare: `${pageUrl(world, repository)}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits,
    head_commit: head === null ? null : await commitEventView(world, repository, head),
    pusher: { name: sender.login, email: `${sender.login}@users.noreply.github.test` },
  };
}

/**
 * Pull requests whose head is a branch that moved. Where their base moved nothing is said and `base.sha` stays what it
 * was, as on GitHub (github/docs#431).
 */
async function announcePulls(
  world: World,
  repository: Repository,
  { ref, after }: RefChange,
  sender: Account,
): Promise<void> {
  const branch = ref.slice('refs/heads/'.length);
  if (after === ZERO_SHA) return;
  for (const base of world.repositories.values()) {
    for (const pull of base.pulls.values()) {
      if (pull.issue.state !== 'open') continue;
      if (pull.headRepository.id === repository.id && pull.headRef === branch) {
        await synchronize(world, base, pull, after, sender);
      }
    }
  }
}

async function synchronize(world: World, base: Repository, pull: Pull, after: string, sender: Account): Promise<void> {
  const before = pull.headSha;
  pull.headSha = after;
  pull.baseSha = await baseTip(base, pull);
  pull.issue.updatedAt = world.now();
  await publishHead(base, pull);
  const payload = { number: pull.issue.number, before, after, pull_request: await pullView(world, base, pull) };
  world.emit({ event: 'pull_request', action: 'synchronize', repository: base, sender, payload });
}

/** Brings the head's objects to the base repository, as `refs/pull/N/head`. */
export async function publishHead(base: Repository, { issue, headRepository, headSha }: Pull): Promise<void> {
  const ref = `refs/pull/${issue.number}/head`;
  if (headRepository.id !== base.id) await base.git.fetch(headRepository.git.folder, `+${headSha}:${ref}`);
  else await base.git.updateRef(ref, headSha);
}

function hasSuite(repository: Repository, app: App, sha: string): boolean {
  return [...repository.checkSuites.values()].some((suite) => suite.app.id === app.id && suite.headSha === sha);
}

/** The suite of an app for a commit: GitHub has one per app and commit, made at the push or with the first check run. */
export function suiteOf(
  world: World,
  repository: Repository,
  app: App,
  headSha: string,
  headBranch: string | null,
): CheckSuite {
  for (const suite of repository.checkSuites.values()) {
    if (suite.app.id === app.id && suite.headSha === headSha) return suite;
  }
  const suite = { id: world.nextId(), app, headSha, headBranch, createdAt: world.now() };
  repository.checkSuites.set(suite.id, suite);
  return suite;
}

export function refUrl(world: World, repository: Repository, ref: string): string {
  return `${repositoryUrl(world, repository)}/git/${ref}`;
}
