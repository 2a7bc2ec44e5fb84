import { invalid } from '../api-error.ts';
import type { Call, Reply, Routes } from '../call.ts';
import { moveBetweenInstallations } from '../installations.ts';
import type { Repository } from '../model.ts';
import { fullName } from '../names.ts';
import type { Fields } from '../shape.ts';
import { accountView, repositoryView } from '../view/repository.ts';
import type { World } from '../world.ts';

const NAME = /^[\w.-]+$/;

/** What the owner of a repository does to it as a whole. */
export const ADMINISTRATION: Routes = {
  'repos/update': async (call) => await updateRepository(call, call.repository),
  'repos/delete': (call) => deleteRepository(call, call.repository),
  'repos/transfer': (call) => transferRepository(call, call.repository),
};

async function updateRepository(call: Call, repository: Repository): Promise<Reply> {
  const { archived } = call.body;
  rename(call, repository, call.text('name') ?? repository.name);
  await changeDefaultBranch(call, repository, call.text('default_branch') ?? repository.defaultBranch);
  changeVisibility(call, repository);
  if (typeof archived === 'boolean' && archived !== repository.isArchived) {
    repository.isArchived = archived;
    announce(call, repository, archived ? 'archived' : 'unarchived');
  }
  return { status: 200, body: repositoryView(call.world, repository) };
}

function rename(call: Call, repository: Repository, name: string): void {
  const { name: from, owner } = repository;
  if (name === from) return;
  takeName(call.world, repository, { owner, name });
  announce(call, repository, 'renamed', { changes: { repository: { name: { from } } } });
}

async function changeDefaultBranch(call: Call, repository: Repository, name: string): Promise<void> {
  const from = repository.defaultBranch;
  if (name === from) return;
  if (!(await repository.git.refs()).has(`refs/heads/${name}`))
    throw invalid('Validation Failed', [{ resource: 'Repository', field: 'default_branch', code: 'invalid' }]);
  repository.defaultBranch = name;
  announce(call, repository, 'edited', { changes: { default_branch: { from } } });
}

function changeVisibility(call: Call, repository: Repository): void {
  const visibility = call.text('visibility');
  const wanted = visibility === undefined ? call.body['private'] : visibility === 'private';
  if (typeof wanted !== 'boolean' || wanted === repository.isPrivate) return;
  repository.isPrivate = wanted;
  announce(call, repository, wanted ? 'privatized' : 'publicized');
}

function deleteRepository(call: Call, repository: Repository): Reply {
  const { world } = call;
  announce(call, repository, 'deleted');
  world.repositories.delete(repository.id);
  for (const { repositoryIds } of world.installations.values()) repositoryIds.delete(repository.id);
  return { status: 204 };
}

/** To somebody else, at once: nobody here has to accept it. An app that both owners have installed keeps it. */
function transferRepository(call: Call, repository: Repository): Reply {
  const { world } = call;
  const from = repository.owner;
  takeName(world, repository, {
    owner: world.account(call.needText('new_owner')),
    name: call.text('new_name') ?? repository.name,
  });
  moveBetweenInstallations(world, repository);
  const kind = from.type === 'Organization' ? 'organization' : 'user';
  announce(call, repository, 'transferred', { changes: { owner: { from: { [kind]: accountView(world, from) } } } });
  return { status: 202, body: repositoryView(world, repository) };
}

/** Whoever asks for it under the name that it had is sent on, until somebody else takes that one. */
function takeName(world: World, repository: Repository, wanted: Pick<Repository, 'owner' | 'name'>): void {
  const name = fullName(wanted).toLowerCase();
  const isTaken = [...world.repositories.values()].some((other) => fullName(other).toLowerCase() === name);
  if (isTaken || !NAME.test(wanted.name))
    throw invalid('Validation Failed', [{ resource: 'Repository', field: 'name', code: 'custom' }]);
  world.formerNames.set(fullName(repository).toLowerCase(), repository);
  Object.assign(repository, wanted);
}

function announce({ world, actor }: Call, repository: Repository, action: string, payload: Fields = {}): void {
  world.emit({ event: 'repository', action, repository, sender: actor, payload });
}
