import type { Environment, Repository } from './model.ts';
import type { World } from './world.ts';

/** The environment of a name; naming one for the first time makes it. */
export function environmentOf(world: World, repository: Repository, name: string): Environment {
  const present = repository.environments.get(name);
  if (present !== undefined) return present;
  const environment = { id: world.nextId(), name, createdAt: world.now(), protectionApps: new Set<never>() };
  repository.environments.set(name, environment);
  return environment;
}
