import { Git } from './git.ts';
import type { Account, Repository, Role } from './model.ts';
import { fullName } from './names.ts';
import type { World } from './world.ts';

export interface NewRepository {
  readonly owner: string;
  readonly name: string;
  readonly isPrivate?: boolean;
  readonly defaultBranch?: string;
  /** The first commit, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Roles by login. */
  readonly collaborators?: Readonly<Record<string, Role>>;
}

export async function createRepository(world: World, options: NewRepository): Promise<Repository> {
  const { isPrivate = false, defaultBranch = 'main', files = {}, collaborators = {} } = options;
  const owner = world.account(options.owner);
  const git = await Git.create(folderOf(world, owner, options.name), defaultBranch);
  const repository = newRepository(world, { owner, name: options.name, isPrivate, defaultBranch, parent: null, git });
  for (const [login, role] of Object.entries(collaborators)) repository.collaborators.set(login.toLowerCase(), role);
  if (Object.keys(files).length > 0) {
    const entries = [];
    for (const [path, text] of Object.entries(files)) {
      const mode = text.startsWith('#!') ? '100755' : '100644';
      entries.push({ path, mode, sha: await git.writeBlob(Buffer.from(text)) });
    }
    const tree = await git.writeTree(null, entries);
    const author = authorOf(owner, world.now());
    await git.updateRef(
      `refs/heads/${defaultBranch}`,
      await git.writeCommit({ tree, parents: [], message: 'Initial commit', author }),
    );
  }
  return repository;
}

/** A copy in somebody's own account, or the one they have. */
export async function forkRepository(world: World, parent: Repository, owner: Account): Promise<Repository> {
  for (const repository of world.repositories.values()) {
    if (repository.parent?.id === parent.id && repository.owner.id === owner.id) return repository;
  }
  const { name, isPrivate, defaultBranch } = parent;
  const git = await Git.create(folderOf(world, owner, name), defaultBranch);
  await git.fetch(parent.git.folder, '+refs/heads/*:refs/heads/*');
  return newRepository(world, { owner, name, isPrivate, defaultBranch, parent, git });
}

export function authorOf(account: Account, date: string): { name: string; email: string; date: string } {
  return { name: account.login, email: `${account.login}@users.noreply.github.test`, date };
}

/** The number keeps it apart from a repository that had this name before. */
function folderOf(world: World, owner: Account, name: string): string {
  return `${world.root}/${fullName({ owner, name })}@${world.nextId()}.git`;
}

function newRepository(
  world: World,
  facts: Pick<Repository, 'owner' | 'name' | 'isPrivate' | 'defaultBranch' | 'parent' | 'git'>,
): Repository {
  const repository: Repository = {
    ...facts,
    id: world.nextId(),
    createdAt: world.now(),
    pushedAt: world.now(),
    collaborators: new Map(),
    issues: new Map(),
    pulls: new Map(),
    comments: new Map(),
    reviews: new Map(),
    reviewComments: new Map(),
    checkSuites: new Map(),
    checkRuns: new Map(),
    statuses: [],
    deployments: new Map(),
    environments: new Map(),
    releases: new Map(),
    attestations: [],
    workflowRuns: new Map(),
    mergeGroups: new Map(),
    isArchived: false,
    hasImmutableReleases: false,
  };
  world.repositories.set(repository.id, repository);
  return repository;
}
