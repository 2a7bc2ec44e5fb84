import { addDeployment, addDeploymentStatus } from '../deployments.ts';
import type { App, Repository, WorkflowJob, WorkflowRun } from '../model.ts';
import { pageUrl } from '../view/repository.ts';
import type { World } from '../world.ts';

/** What GitHub says of the deployment where it says this of the job. */
const STATES: Readonly<Record<string, string>> = {
  waiting: 'waiting',
  queued: 'queued',
  in_progress: 'in_progress',
  success: 'success',
  failure: 'failure',
  cancelled: 'failure',
};

/** A job with an environment is a deployment of GitHub's own app, and goes through the same states. */
export function openDeployment(
  world: World,
  app: App,
  repository: Repository,
  run: WorkflowRun,
  job: WorkflowJob,
): void {
  if (job.environment === null) return;
  job.deployment = addDeployment(world, repository, {
    sha: run.headSha,
    ref: run.ref.replace(/^refs\/(heads|tags)\//, ''),
    task: 'deploy',
    environment: job.environment,
    description: null,
    payload: {},
    isTransient: false,
    isProduction: false,
    creator: app.bot,
    app,
    run: { id: run.id, attempt: job.attempt },
  });
}

export function noteDeployment(world: World, repository: Repository, run: WorkflowRun, job: WorkflowJob): void {
  const { deployment } = job;
  const state = STATES[job.conclusion ?? job.status];
  if (deployment === null || state === undefined || deployment.statuses.at(-1)?.state === state) return;
  addDeploymentStatus(world, repository, deployment, {
    state,
    description: '',
    logUrl: `${pageUrl(world, repository)}/actions/runs/${run.id}/job/${job.id}`,
    environmentUrl: '',
    creator: deployment.creator,
    isSole: true,
  });
}
