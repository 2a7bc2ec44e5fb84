import { environmentOf } from './environments.ts';
import type { Deployment, DeploymentStatus, Repository } from './model.ts';
import { deploymentStatusView, deploymentView } from './view/deployment.ts';
import type { World } from './world.ts';

export function addDeployment(
  world: World,
  repository: Repository,
  facts: Omit<Deployment, 'id' | 'createdAt' | 'statuses'>,
): Deployment {
  environmentOf(world, repository, facts.environment);
  const deployment: Deployment = { ...facts, id: world.nextId(), createdAt: world.now(), statuses: [] };
  repository.deployments.set(deployment.id, deployment);
  const payload = { deployment: deploymentView(world, repository, deployment), workflow: null, workflow_run: null };
  world.emit({ event: 'deployment', action: 'created', repository, sender: facts.creator, payload });
  return deployment;
}

/**
 * `isSole`: what was deployed successfully to the same environment before is inactive from now on, but for what is transient or
 * in production.
 */
export function addDeploymentStatus(
  world: World,
  repository: Repository,
  deployment: Deployment,
  { isSole, ...facts }: Omit<DeploymentStatus, 'id' | 'createdAt'> & { readonly isSole: boolean },
): DeploymentStatus {
  const status: DeploymentStatus = { ...facts, id: world.nextId(), createdAt: world.now() };
  if (status.state === 'success' && isSole) deactivateOthers(world, repository, deployment);
  deployment.statuses.push(status);
  const payload = {
    deployment_status: deploymentStatusView(world, repository, deployment, status),
    deployment: deploymentView(world, repository, deployment),
  };
  world.emit({ event: 'deployment_status', action: 'created', repository, sender: facts.creator, payload });
  return status;
}

function deactivateOthers(world: World, repository: Repository, deployment: Deployment): void {
  for (const other of repository.deployments.values()) {
    const last = other.statuses.at(-1);
    if (other.id === deployment.id || other.environment !== deployment.environment) continue;
    if (other.isTransient || other.isProduction || last?.state !== 'success') continue;
    other.statuses.push({ ...last, id: world.nextId(), state: 'inactive', createdAt: world.now() });
  }
}
