import { invalid } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import type { Repository } from '../model.ts';
import { changeRef, refUrl } from '../refs.ts';
import { authorOf } from '../repository.ts';
import type { Fields } from '../shape.ts';
import { gitCommitView, treeView } from '../view/commit.ts';
import { repositoryUrl } from '../view/repository.ts';

export const GIT_OBJECTS: Routes = {
  'git/get-ref': async (call) => {
    const ref = `refs/${call.param('ref')}`;
    const sha = found((await call.repository.git.refs()).get(ref));
    return { status: 200, body: await refView(call, ref, sha) };
  },
  'git/list-matching-refs': async (call) => {
    const refs = [...(await call.repository.git.refs())].filter(([ref]) => ref.startsWith(`refs/${call.param('ref')}`));
    const views = [];
    for (const [ref, sha] of refs) views.push(await refView(call, ref, sha));
    return listed(call, views, (view) => view);
  },
  'git/create-ref': async (call) => {
    const ref = call.needText('ref');
    if (!/^refs\/(heads|tags)\/[^\s~^:?*[\\]+$/.test(ref)) throw invalid('Reference name is not valid');
    const { repository } = call;
    if ((await repository.git.refs()).has(ref)) throw invalid('Reference already exists');
    const sha = await objectIn(repository, call.needText('sha'));
    await changeRef(call.world, repository, ref, sha, call.actor);
    return { status: 201, body: await refView(call, ref, sha) };
  },
  'git/update-ref': async (call) => {
    const { repository } = call;
    const ref = `refs/${call.param('ref')}`;
    const before = (await repository.git.refs()).get(ref);
    if (before === undefined) throw invalid('Reference does not exist');
    const sha = await objectIn(repository, call.needText('sha'));
    if (!call.flag('force') && !(await repository.git.isAncestor(before, sha)))
      throw invalid('Update is not a fast forward');
    await changeRef(call.world, repository, ref, sha, call.actor);
    return { status: 200, body: await refView(call, ref, sha) };
  },
  'git/delete-ref': async (call) => {
    const ref = `refs/${call.param('ref')}`;
    if (!(await call.repository.git.refs()).has(ref)) throw invalid('Reference does not exist');
    await changeRef(call.world, call.repository, ref, null, call.actor);
    return { status: 204 };
  },
  'git/get-tree': async (call) => {
    const { repository } = call;
    const name = call.param('tree_sha');
    const sha = (await repository.git.typeOf(name)) === 'tree' ? name : await repository.git.resolve(name);
    const entries = await repository.git.tree(found(sha ?? undefined), call.query('recursive') !== undefined);
    return { status: 200, body: treeView(call.world, repository, sha ?? name, entries) };
  },
  'git/create-tree': createTree,
  'git/get-blob': async (call) => {
    const sha = call.param('file_sha');
    if ((await call.repository.git.typeOf(sha)) !== 'blob') return found<Reply>(undefined);
    const content = await call.repository.git.blob(sha);
    const body = {
      ...blobView(call, sha),
      size: content.length,
      encoding: 'base64',
      content: content.toString('base64'),
    };
    return { status: 200, body };
  },
  'git/create-blob': async (call) => {
    const encoding = call.text('encoding') === 'base64' ? 'base64' : 'utf8';
    const sha = await call.repository.git.writeBlob(Buffer.from(call.needText('content'), encoding));
    return { status: 201, body: blobView(call, sha) };
  },
  'git/get-commit': async (call) => {
    const sha = call.param('commit_sha');
    if ((await call.repository.git.typeOf(sha)) !== 'commit') return found<Reply>(undefined);
    return { status: 200, body: await gitCommitView(call.world, call.repository, sha) };
  },
  'git/create-commit': async (call) => {
    const { repository, world } = call;
    const sha = await repository.git.writeCommit({
      tree: call.needText('tree'),
      parents: (call.body['parents'] ?? []) as readonly string[],
      message: call.needText('message'),
      author: { ...authorOf(call.actor, world.now()), ...(call.body['author'] as object | undefined) },
    });
    return { status: 201, body: await gitCommitView(world, repository, sha) };
  },
  'git/create-tag': createTag,
  'git/get-tag': async (call) => {
    const sha = call.param('tag_sha');
    if ((await call.repository.git.typeOf(sha)) !== 'tag') return found<Reply>(undefined);
    return { status: 200, body: await tagView(call, sha) };
  },
};

async function createTree(call: Call): Promise<Reply> {
  const { git } = call.repository;
  const given = call.body['tree'] as readonly { path?: string; mode?: string; sha?: string | null; content?: string }[];
  const entries = [];
  for (const { path = '', mode = '100644', sha, content } of given) {
    const blob = content === undefined ? (sha ?? null) : await git.writeBlob(Buffer.from(content));
    entries.push({ path, mode, sha: blob });
  }
  const sha = await git.writeTree(call.text('base_tree') ?? null, entries);
  return { status: 201, body: treeView(call.world, call.repository, sha, await git.tree(sha, false)) };
}

async function createTag(call: Call): Promise<Reply> {
  const { world, repository, actor } = call;
  const { name, email, date } = authorOf(actor, world.now());
  const seconds = Math.floor(Date.parse(date) / 1000);
  const text = [
    `object ${call.needText('object')}`,
    `type ${call.needText('type')}`,
    `tag ${call.needText('tag')}`,
    `tagger ${name} <${email}> ${seconds} +0000`,
    '',
    `${call.needText('message')}\n`,
  ].join('\n');
  const sha = (await repository.git.text(['mktag'], text)).trim();
  return { status: 201, body: await tagView(call, sha) };
}

async function tagView(call: Call, sha: string): Promise<Fields> {
  const text = await call.repository.git.text(['cat-file', 'tag', sha]);
  const [head = '', ...body] = text.split('\n\n');
  const field = (name: string): string =>
    head
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1) ?? '';
  const url = repositoryUrl(call.world, call.repository);
  const [, name = '', email = '', seconds = '0'] = /^(.*) <(.*)> (\d+)/.exec(field('tagger')) ?? [];
  return {
    sha,
    node_id: `TA_${sha}`,
    url: `${url}/git/tags/${sha}`,
    tag: field('tag'),
    message: body.join('\n\n').trimEnd(),
    object: { sha: field('object'), type: field('type'), url: `${url}/git/${field('type')}s/${field('object')}` },
    tagger: { name, email, date: `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z` },
  };
}

async function refView(call: Call, ref: string, sha: string): Promise<Fields> {
  const type = (await call.repository.git.typeOf(sha)) ?? 'commit';
  const url = `${repositoryUrl(call.world, call.repository)}/git/${type}s/${sha}`;
  return { ref, node_id: `REF_${ref}`, url: refUrl(call.world, call.repository, ref), object: { sha, type, url } };
}

function blobView(call: Call, sha: string): Fields {
  return { sha, node_id: `B_${sha}`, url: `${repositoryUrl(call.world, call.repository)}/git/blobs/${sha}` };
}

async function objectIn(repository: Repository, sha: string): Promise<string> {
  if ((await repository.git.typeOf(sha)) === null) throw invalid('Object does not exist');
  return sha;
}
