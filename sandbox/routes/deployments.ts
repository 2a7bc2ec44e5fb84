import { invalid } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import { environmentOf } from '../environments.ts';
import type { Deployment, DeploymentStatus } from '../model.ts';
import type { Fields } from '../shape.ts';
import { deploymentStatusView, deploymentView, environmentView } from '../view/deployment.ts';

export const DEPLOYMENTS: Routes = {
  'repos/create-deployment': createDeployment,
  'repos/list-deployments': (call) => {
    const wanted = [...call.repository.deployments.values()].filter(
      (deployment) =>
        (call.query('environment') ?? deployment.environment) === deployment.environment &&
        (call.query('sha') ?? deployment.sha) === deployment.sha &&
        (call.query('ref') ?? deployment.ref) === deployment.ref &&
        (call.query('task') ?? deployment.task) === deployment.task,
    );
    return listed(call, wanted.toReversed(), (deployment) => deploymentView(call.world, call.repository, deployment));
  },
  'repos/get-deployment': (call) => ({
    status: 200,
    body: deploymentView(call.world, call.repository, deploymentOf(call)),
  }),
  'repos/create-deployment-status': createStatus,
  'repos/list-deployment-statuses': (call) => {
    const deployment = deploymentOf(call);
    return listed(call, deployment.statuses.toReversed(), (status) => statusView(call, deployment, status));
  },
  'repos/get-deployment-status': (call) => {
    const deployment = deploymentOf(call);
    const status = found(deployment.statuses.find(({ id }) => id === call.number('status_id')));
    return { status: 200, body: statusView(call, deployment, status) };
  },
  'repos/get-all-environments': (call) =>
    listed(
      call,
      [...call.repository.environments.values()],
      (item) => environmentView(call.world, call.repository, item),
      'environments',
    ),
  'repos/get-environment': (call) => {
    const environment = found(call.repository.environments.get(call.param('environment_name')));
    return { status: 200, body: environmentView(call.world, call.repository, environment) };
  },
  'repos/create-or-update-environment': (call) => {
    const environment = environmentOf(call.world, call.repository, call.param('environment_name'));
    return { status: 200, body: environmentView(call.world, call.repository, environment) };
  },
};

function deploymentOf(call: Call): Deployment {
  return found(call.repository.deployments.get(call.number('deployment_id')));
}

async function createDeployment(call: Call): Promise<Reply> {
  const { world, repository, actor } = call;
  const ref = call.needText('ref');
  const sha = await repository.git.resolve(ref);
  if (sha === null) throw invalid(`No ref found for: ${ref}`);
  const environment = environmentOf(world, repository, call.text('environment') ?? 'production');
  const deployment: Deployment = {
    id: world.nextId(),
    sha,
    ref,
    task: call.text('task') ?? 'deploy',
    environment: environment.name,
    description: call.text('description') ?? null,
    payload: call.body['payload'] ?? {},
    creator: actor,
    app: call.appOrNull,
    createdAt: world.now(),
    statuses: [],
  };
  repository.deployments.set(deployment.id, deployment);
  const view = deploymentView(world, repository, deployment);
  const payload = { deployment: view, workflow: null, workflow_run: null };
  world.emit({ event: 'deployment', action: 'created', repository, sender: actor, payload });
  return { status: 201, body: view };
}

function createStatus(call: Call): Reply {
  const { world, repository, actor } = call;
  const deployment = deploymentOf(call);
  const status: DeploymentStatus = {
    id: world.nextId(),
    state: call.needText('state'),
    description: call.text('description') ?? '',
    logUrl: call.text('log_url') ?? call.text('target_url') ?? '',
    environmentUrl: call.text('environment_url') ?? '',
    creator: actor,
    createdAt: world.now(),
  };
  if (status.state === 'success' && call.body['auto_inactive'] !== false) deactivateOthers(call, deployment);
  deployment.statuses.push(status);
  const view = statusView(call, deployment, status);
  const payload = {
    deployment_status: view,
    deployment: deploymentView(world, repository, deployment),
    check_run: null,
    workflow: null,
    workflow_run: null,
  };
  world.emit({ event: 'deployment_status', action: 'created', repository, sender: actor, payload });
  return { status: 201, body: view };
}

/** A success makes earlier deployments of the environment inactive. */
function deactivateOthers(call: Call, deployment: Deployment): void {
  for (const other of call.repository.deployments.values()) {
    const last = other.statuses.at(-1);
    if (other.id === deployment.id || other.environment !== deployment.environment || last?.state !== 'success')
      continue;
    other.statuses.push({ ...last, id: call.world.nextId(), state: 'inactive', createdAt: call.world.now() });
  }
}

function statusView(call: Call, deployment: Deployment, status: DeploymentStatus): Fields {
  return deploymentStatusView(call.world, call.repository, deployment, status);
}
