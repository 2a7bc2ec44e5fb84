import { ApiError, invalid } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import { addDeployment, addDeploymentStatus } from '../deployments.ts';
import { environmentOf } from '../environments.ts';
import type { Deployment, DeploymentStatus, Repository } from '../model.ts';
import type { Fields } from '../shape.ts';
import { deploymentStatusView, deploymentView, environmentView } from '../view/deployment.ts';
import { latestByName } from './checks.ts';

const STATUS_CHARACTERS_MAX = 140;
const GREEN = new Set(['success', 'neutral', 'skipped']);

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
  judgeContexts(repository, sha, ref, call.body['required_contexts'] as readonly string[] | undefined);
  const environment = call.text('environment') ?? 'production';
  const isProduction = call.body['production_environment'] ?? environment === 'production';
  const deployment = addDeployment(world, repository, {
    sha,
    ref,
    task: call.text('task') ?? 'deploy',
    environment,
    description: call.text('description') ?? null,
    payload: call.body['payload'] ?? {},
    isTransient: call.flag('transient_environment'),
    isProduction: isProduction === true,
    creator: actor,
    app: call.appOrNull,
    run: null,
  });
  return { status: 201, body: deploymentView(world, repository, deployment) };
}

/** Unless it is told which ones, or none, GitHub wants every check and status of the commit to be green. */
function judgeContexts(repository: Repository, sha: string, ref: string, wanted: readonly string[] | undefined): void {
  const statuses = repository.statuses.filter((status) => status.sha === sha);
  const checks = latestByName([...repository.checkRuns.values()].filter(({ headSha }) => headSha === sha));
  const states = new Map([
    ...checks.map(({ name, conclusion }) => [name, GREEN.has(conclusion ?? '')] as const),
    ...statuses.map(({ context, state }) => [context, state === 'success'] as const),
  ]);
  if ((wanted ?? [...states.keys()]).every((name) => states.get(name) === true)) return;
  throw new ApiError(409, `Conflict: Commit status checks failed for ${ref}.`);
}

function createStatus(call: Call): Reply {
  const { world, repository, actor } = call;
  const deployment = deploymentOf(call);
  if ((call.text('description') ?? '').length > STATUS_CHARACTERS_MAX)
    throw invalid(`description is too long (maximum is ${STATUS_CHARACTERS_MAX} characters)`);
  const facts = {
    state: call.needText('state'),
    description: call.text('description') ?? '',
    logUrl: call.text('log_url') ?? call.text('target_url') ?? '',
    environmentUrl: call.text('environment_url') ?? '',
    creator: actor,
  };
  const isSole = call.body['auto_inactive'] !== false;
  const status = addDeploymentStatus(world, repository, deployment, { ...facts, isSole });
  return { status: 201, body: statusView(call, deployment, status) };
}

function statusView(call: Call, deployment: Deployment, status: DeploymentStatus): Fields {
  return deploymentStatusView(call.world, call.repository, deployment, status);
}
