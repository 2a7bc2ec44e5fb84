import type { Account, App, Installation, Repository } from './model.ts';
import { fullName, nodeId } from './names.ts';
import type { Fields } from './shape.ts';
import { accountView, installationView } from './view/repository.ts';
import type { World } from './world.ts';

/** Every app hears of its installations, whatever it subscribed to. */
export function install(world: World, app: App, account: Account, repositories: readonly Repository[]): Installation {
  const installation: Installation = {
    id: world.nextId(),
    app,
    account,
    permissions: app.permissions,
    repositoryIds: new Set(repositories.map(({ id }) => id)),
    createdAt: world.now(),
    suspendedAt: null,
  };
  world.installations.set(installation.id, installation);
  tell(world, installation, 'created', { repositories: repositories.map(repositoryItem) });
  return installation;
}

/** Its tokens are worth nothing from now on. */
export function uninstall(world: World, id: number): void {
  const installation = installationOf(world, id);
  const repositories = [...installation.repositoryIds].flatMap((each) => world.repositories.get(each) ?? []);
  world.installations.delete(id);
  for (const [token, credential] of world.credentials) {
    if (credential.kind === 'installation' && credential.installation.id === id) world.credentials.delete(token);
  }
  tell(world, installation, 'deleted', { repositories: repositories.map(repositoryItem) });
}

export function suspend(world: World, id: number, isSuspended: boolean): void {
  const installation = installationOf(world, id);
  if ((installation.suspendedAt !== null) === isSuspended) return;
  installation.suspendedAt = isSuspended ? world.now() : null;
  tell(world, installation, isSuspended ? 'suspend' : 'unsuspend', {});
}

export function addRepository(world: World, id: number, name: string): void {
  const installation = installationOf(world, id);
  const repository = world.repository(installation.account.login, name);
  installation.repositoryIds.add(repository.id);
  tellOfRepository(world, installation, 'added', repository);
}

export function removeRepository(world: World, id: number, name: string): void {
  const installation = installationOf(world, id);
  const repository = world.repository(installation.account.login, name);
  installation.repositoryIds.delete(repository.id);
  tellOfRepository(world, installation, 'removed', repository);
}

/** After a transfer: the installations of its former owner lose it, those of the same apps at its new owner get it. */
export function moveBetweenInstallations(world: World, repository: Repository): void {
  const before = world.installationsOf(repository);
  for (const installation of before) {
    installation.repositoryIds.delete(repository.id);
    tellOfRepository(world, installation, 'removed', repository);
  }
  for (const installation of world.installations.values()) {
    const isOfNewOwner = installation.account.id === repository.owner.id;
    if (!isOfNewOwner || !before.some(({ app }) => app.id === installation.app.id)) continue;
    installation.repositoryIds.add(repository.id);
    tellOfRepository(world, installation, 'added', repository);
  }
}

function installationOf(world: World, id: number): Installation {
  const installation = world.installations.get(id);
  if (installation === undefined) throw new Error(`the sandbox has no installation ${id}`);
  return installation;
}

function tellOfRepository(
  world: World,
  installation: Installation,
  action: 'added' | 'removed',
  repository: Repository,
): void {
  const items = [repositoryItem(repository)];
  const payload = {
    action,
    installation: installationView(world, installation),
    repository_selection: 'selected',
    repositories_added: action === 'added' ? items : [],
    repositories_removed: action === 'removed' ? items : [],
    requester: null,
    sender: accountView(world, installation.account),
  };
  if (installation.suspendedAt === null)
    world.webhooks.send(installation.app, installation, 'installation_repositories', payload);
}

function tell(world: World, installation: Installation, action: string, more: Fields): void {
  world.webhooks.send(installation.app, installation, 'installation', {
    action,
    installation: installationView(world, installation),
    sender: accountView(world, installation.account),
    ...more,
  });
}

function repositoryItem(repository: Repository): Fields {
  const { id, name, isPrivate } = repository;
  return { id, name, full_name: fullName(repository), private: isPrivate, node_id: nodeId('Repository', id) };
}
