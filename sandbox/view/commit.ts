import type { GitFile, GitPerson, TreeEntry } from '../git.ts';
import type { Account, CommitStatus, Repository } from '../model.ts';
import { nodeId } from '../names.ts';
import type { Fields } from '../shape.ts';
import type { World } from '../world.ts';
import { accountView, pageUrl, repositoryUrl } from './repository.ts';

/** A commit as `GET /repos/{owner}/{repo}/commits/{ref}` shows it. */
export async function commitView(world: World, repository: Repository, sha: string): Promise<Fields> {
  const commit = await repository.git.commit(sha);
  const url = `${repositoryUrl(world, repository)}/commits/${sha}`;
  const author = personAccount(world, commit.author);
  return {
    sha,
    node_id: `C_${sha}`,
    url,
    html_url: `${pageUrl(world, repository)}/commit/${sha}`,
    comments_url: `${url}/comments`,
    commit: {
      url: `${repositoryUrl(world, repository)}/git/commits/${sha}`,
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      comment_count: 0,
      tree: { sha: commit.tree, url: `${repositoryUrl(world, repository)}/git/trees/${commit.tree}` },
      verification: { verified: false, reason: 'unsigned', payload: null, signature: null, verified_at: null },
    },
    author: author === null ? null : accountView(world, author),
    committer: author === null ? null : accountView(world, author),
    parents: commit.parents.map((parent) => ({
      sha: parent,
      url: `${repositoryUrl(world, repository)}/commits/${parent}`,
      html_url: `${pageUrl(world, repository)}/commit/${parent}`,
    })),
  };
}

/** A commit with the files it changed and their counts. */
export async function commitWithFiles(world: World, repository: Repository, sha: string): Promise<Fields> {
  const view = await commitView(world, repository, sha);
  const { parents } = await repository.git.commit(sha);
  const empty = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
  const files = await repository.git.files(parents[0] ?? empty, sha);
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  return {
    ...view,
    stats: { additions, deletions, total: additions + deletions },
    files: files.map((file) => fileView(world, repository, sha, file)),
  };
}

/** A commit as `POST /repos/{owner}/{repo}/git/commits` shows it. */
export async function gitCommitView(world: World, repository: Repository, sha: string): Promise<Fields> {
  const commit = await repository.git.commit(sha);
  const view = await commitView(world, repository, sha);
  return {
    sha,
    node_id: view['node_id'],
    url: `${repositoryUrl(world, repository)}/git/commits/${sha}`,
    html_url: view['html_url'],
    author: commit.author,
    committer: commit.committer,
    message: commit.message,
    tree: { sha: commit.tree, url: `${repositoryUrl(world, repository)}/git/trees/${commit.tree}` },
    parents: view['parents'],
    verification: { verified: false, reason: 'unsigned', payload: null, signature: null, verified_at: null },
  };
}

/** A commit as push events show it, with the names of its files. */
export async function commitEventView(world: World, repository: Repository, sha: string): Promise<Fields> {
  const commit = await repository.git.commit(sha);
  const [parent] = commit.parents;
  const files = await repository.git.files(parent ?? '4b825dc642cb6eb9a060e54bf8d69288fbee4904', sha);
  const named = (status: readonly GitFile['status'][]): readonly string[] =>
    files.filter((file) => status.includes(file.status)).map(({ path }) => path);
  return {
    id: sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: `${pageUrl(world, repository)}/commit/${sha}`,
    author: { name: commit.author.name, email: commit.author.email, username: commit.author.name },
    committer: { name: commit.committer.name, email: commit.committer.email, username: commit.committer.name },
    added: named(['added', 'renamed']),
    removed: [
      ...named(['removed']),
      ...files.flatMap(({ previousPath }) => (previousPath === null ? [] : [previousPath])),
    ],
    modified: named(['modified']),
  };
}

export function fileView(world: World, repository: Repository, sha: string, file: GitFile): Fields {
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  return {
    sha: /^0+$/.test(file.sha) ? null : file.sha,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${pageUrl(world, repository)}/blob/${sha}/${path}`,
    raw_url: `${pageUrl(world, repository)}/raw/${sha}/${path}`,
    contents_url: `${repositoryUrl(world, repository)}/contents/${path}?ref=${sha}`,
    patch: file.patch,
    ...(file.previousPath === null ? {} : { previous_filename: file.previousPath }),
  };
}

export function treeView(world: World, repository: Repository, sha: string, entries: readonly TreeEntry[]): Fields {
  const url = repositoryUrl(world, repository);
  return {
    sha,
    url: `${url}/git/trees/${sha}`,
    truncated: false,
    tree: entries.map(({ path, mode, type, sha, size }) => ({
      path,
      mode,
      type,
      sha,
      ...(size === null ? {} : { size }),
      url: `${url}/git/${type}s/${sha}`,
    })),
  };
}

export function statusView(world: World, repository: Repository, status: CommitStatus): Fields {
  return {
    id: status.id,
    node_id: nodeId('Status', status.id),
    url: `${repositoryUrl(world, repository)}/statuses/${status.sha}`,
    avatar_url: null,
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: status.createdAt,
    updated_at: status.createdAt,
    creator: accountView(world, status.creator),
  };
}

/** The account that a commit's author has: by the name, which the sandbox's own commits carry. */
function personAccount(world: World, { name }: GitPerson): Account | null {
  return world.accounts.get(name.toLowerCase()) ?? null;
}
