import { ApiError, invalid, notFound } from '../api-error.ts';
import { type Call, found, type Reply, type Routes } from '../call.ts';
import type { TreeEntry } from '../git.ts';
import type { Repository } from '../model.ts';
import { changeRef } from '../refs.ts';
import { authorOf } from '../repository.ts';
import type { Fields } from '../shape.ts';
import { gitCommitView } from '../view/commit.ts';
import { pageUrl, repositoryUrl } from '../view/repository.ts';
import type { World } from '../world.ts';

/** GitHub shows no content of larger files here. */
const CONTENT_BYTES_MAX = 1024 * 1024;

export const CONTENTS: Routes = {
  'repos/get-content': getContent,
  'repos/create-or-update-file-contents': putContent,
  'repos/delete-file': deleteContent,
};

async function getContent(call: Call): Promise<Reply> {
  const { world, repository } = call;
  const ref = call.query('ref') ?? repository.defaultBranch;
  const commit = await repository.git.resolve(ref);
  if (commit === null) throw new ApiError(404, `No commit found for the ref ${ref}`);
  const path = call.param('path').replaceAll(/^\/+|\/+$/g, '');
  const entry = path === '' ? null : found((await repository.git.entry(commit, path)) ?? undefined);
  if (entry !== null && entry.type !== 'tree') return await getFile(call, entry, ref);
  const entries = await repository.git.tree(entry?.sha ?? commit, false);
  const views = entries.map((item) => {
    const full = path === '' ? item.path : `${path}/${item.path}`;
    return entryView(world, repository, { ...item, path: full }, ref);
  });
  return { status: 200, body: views };
}

async function getFile(call: Call, entry: TreeEntry, ref: string): Promise<Reply> {
  const { world, repository } = call;
  const content = await repository.git.blob(entry.sha);
  if (call.parts.headers.accept?.includes('raw') === true) {
    return { status: 200, body: content, headers: { 'content-type': 'application/vnd.github.raw' } };
  }
  const isLarge = content.length > CONTENT_BYTES_MAX;
  const body = {
    ...entryView(world, repository, entry, ref),
    type: 'file',
    encoding: isLarge ? 'none' : 'base64',
    content: isLarge ? '' : content.toString('base64').replaceAll(/(.{60})/g, '$1\n'),
  };
  return { status: 200, body };
}

async function putContent(call: Call): Promise<Reply> {
  const { world, repository } = call;
  const { git } = repository;
  const path = safePath(call.param('path'));
  const branch = call.text('branch') ?? repository.defaultBranch;
  const head = await git.resolve(`refs/heads/${branch}`);
  const previous = head === null ? null : await git.entry(head, path);
  judgeOld(call, path, previous);
  if (head === null && (await git.refs()).size > 0) throw new ApiError(404, `Branch ${branch} not found`);
  const blob = await git.writeBlob(Buffer.from(call.needText('content'), 'base64'));
  const tree = await git.writeTree(head, [{ path, mode: previous?.mode ?? '100644', sha: blob }]);
  const commit = await commitOnBranch(call, { branch, head, tree });
  const entry = found((await git.entry(commit, path)) ?? undefined);
  return {
    status: previous === null ? 201 : 200,
    body: {
      content: entryView(world, repository, entry, branch),
      commit: await gitCommitView(world, repository, commit),
    },
  };
}

/** Overwriting needs the blob's SHA: whoever changed the file meanwhile is not undone. */
function judgeOld(call: Call, path: string, previous: TreeEntry | null): void {
  const sha = call.text('sha');
  if (previous === null || sha === previous.sha) return;
  if (sha === undefined) throw invalid('Invalid request.\n\n"sha" wasn\'t supplied.');
  throw new ApiError(409, `${path} does not match ${sha}`);
}

async function deleteContent(call: Call): Promise<Reply> {
  const { world, repository } = call;
  const path = safePath(call.param('path'));
  const branch = call.text('branch') ?? repository.defaultBranch;
  const head = await repository.git.resolve(`refs/heads/${branch}`);
  if (head === null) throw notFound();
  const entry = found((await repository.git.entry(head, path)) ?? undefined);
  if (entry.sha !== call.needText('sha')) throw new ApiError(409, `${path} does not match ${call.needText('sha')}`);
  const tree = await repository.git.writeTree(head, [{ path, mode: '0', sha: null }]);
  const commit = await commitOnBranch(call, { branch, head, tree });
  return { status: 200, body: { content: null, commit: await gitCommitView(world, repository, commit) } };
}

async function commitOnBranch(
  call: Call,
  { branch, head, tree }: { readonly branch: string; readonly head: string | null; readonly tree: string },
): Promise<string> {
  const { world, repository, actor } = call;
  const commit = await repository.git.writeCommit({
    tree,
    parents: head === null ? [] : [head],
    message: call.needText('message'),
    author: { ...authorOf(actor, world.now()), ...(call.body['author'] as object | undefined) },
  });
  await changeRef(world, repository, `refs/heads/${branch}`, commit, actor);
  return commit;
}

function safePath(path: string): string {
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git')) {
    throw invalid('path contains a malformed path component');
  }
  return path;
}

function entryView(world: World, repository: Repository, entry: TreeEntry, ref: string): Fields {
  const path = entry.path.split('/').map(encodeURIComponent).join('/');
  const url = `${repositoryUrl(world, repository)}/contents/${path}?ref=${encodeURIComponent(ref)}`;
  const page = `${pageUrl(world, repository)}/blob/${encodeURIComponent(ref)}/${path}`;
  const gitUrl = `${repositoryUrl(world, repository)}/git/${entry.type}s/${entry.sha}`;
  return {
    type: entry.type === 'tree' ? 'dir' : 'file',
    name: entry.path.split('/').at(-1) ?? entry.path,
    path: entry.path,
    sha: entry.sha,
    size: entry.size ?? 0,
    url,
    html_url: page,
    git_url: gitUrl,
    download_url: entry.type === 'tree' ? null : `${pageUrl(world, repository)}/raw/${encodeURIComponent(ref)}/${path}`,
    _links: { self: url, git: gitUrl, html: page },
  };
}
