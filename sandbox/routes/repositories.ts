import { notFound } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import type { Repository } from '../model.ts';
import { forkRepository } from '../repository.ts';
import type { Fields } from '../shape.ts';
import { commitView } from '../view/commit.ts';
import { accountView, repositoryUrl, repositoryView } from '../view/repository.ts';

export const REPOSITORIES: Routes = {
  'repos/get': (call) => ({ status: 200, body: fullView(call, call.repository) }),
  'repos/list-for-user': (call) => {
    const { world, parts } = call;
    const login = call.param('username').toLowerCase();
    const own = [...world.repositories.values()].filter(
      (repository) => repository.owner.login.toLowerCase() === login && world.canRead(parts.credential, repository),
    );
    return listed(call, own, (repository) => repositoryView(world, repository));
  },
  'repos/list-for-authenticated-user': (call) => {
    const { world, parts } = call;
    const readable = [...world.repositories.values()].filter((repository) =>
      world.canRead(parts.credential, repository),
    );
    return listed(call, readable, (repository) => repositoryView(world, repository));
  },
  'repos/create-fork': async (call) => {
    const fork = await forkRepository(call.world, call.repository, call.actor);
    return { status: 202, body: fullView(call, fork) };
  },
  'repos/list-branches': async (call) => {
    const { repository } = call;
    const refs = [...(await repository.git.refs())].filter(([ref]) => ref.startsWith('refs/heads/'));
    return listed(call, refs, ([ref, sha]) => ({
      name: ref.slice('refs/heads/'.length),
      commit: { sha, url: `${repositoryUrl(call.world, repository)}/commits/${sha}` },
      protected: false,
    }));
  },
  'repos/get-branch': async (call) => {
    const { repository } = call;
    const name = call.param('branch');
    const sha = found((await repository.git.refs()).get(`refs/heads/${name}`));
    const url = `${repositoryUrl(call.world, repository)}/branches/${name}`;
    const body = {
      name,
      commit: await commitView(call.world, repository, sha),
      protected: false,
      protection_url: `${url}/protection`,
    };
    return { status: 200, body: { ...body, _links: { self: url, html: url }, protection: { enabled: false } } };
  },
  'repos/list-tags': async (call) => {
    const { repository } = call;
    const tags = [...(await repository.git.refs()).keys()].filter((ref) => ref.startsWith('refs/tags/'));
    const views = [];
    for (const ref of tags) {
      const sha = await repository.git.resolve(ref);
      const url = `${repositoryUrl(call.world, repository)}/commits/${sha ?? ''}`;
      views.push({ name: ref.slice('refs/tags/'.length), commit: { sha: sha ?? '', url }, node_id: ref });
    }
    return listed(call, views, (view) => view);
  },
  'repos/get-collaborator-permission-level': permissionLevel,
};

function fullView(call: Call, repository: Repository): Fields {
  const parent = repository.parent;
  return {
    ...repositoryView(call.world, repository),
    ...(parent === null
      ? {}
      : { parent: repositoryView(call.world, parent), source: repositoryView(call.world, parent) }),
  };
}

/** `permission` folds maintain into write and triage into read, as GitHub does; `role_name` tells them apart. */
function permissionLevel(call: Call): Reply {
  const { world, repository } = call;
  const account = world.account(call.param('username'));
  if (account.type === 'Organization') throw notFound();
  const role = world.roleOf(account, repository);
  const folded = { admin: 'admin', maintain: 'write', write: 'write', triage: 'read', read: 'read' };
  const user = { ...accountView(world, account), role_name: role ?? 'none' };
  return {
    status: 200,
    body: { permission: role === null ? 'none' : folded[role], role_name: role ?? 'none', user },
  };
}
