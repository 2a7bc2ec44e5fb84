import type { Json, JsonObject } from '../../src/base/json.ts';
import type { Account, App, Repository, Workflow, WorkflowJob, WorkflowRun } from '../model.ts';
import { type JobRequest, permissionsOf } from '../runner/run-job.ts';
import type { Fields } from '../shape.ts';
import { accountView, repositoryView } from '../view/repository.ts';
import type { World } from '../world.ts';

const SCOPES = ['actions', 'checks', 'contents', 'deployments', 'issues', 'packages', 'pull_requests', 'statuses'];

/** What a runner is told about a job, without the secrets and the ways to answer. */
export function jobFacts(
  world: World,
  repository: Repository,
  run: WorkflowRun,
  job: WorkflowJob,
): Omit<JobRequest, 'token' | 'idToken' | 'actionSources' | 'workFolder' | 'onLog' | 'onStep'> {
  const { owner, name, id, defaultBranch } = repository;
  return {
    workflowText: run.workflow.text,
    workflowPath: run.workflow.path,
    inputs: run.inputs,
    event: toJson(run.payload),
    eventName: run.event,
    repository: { owner: owner.login, name, id, ownerId: owner.id, defaultBranch },
    sha: run.headSha,
    ref: run.ref,
    actor: run.actor.login,
    runId: run.id,
    runNumber: run.number,
    runAttempt: job.attempt,
    jobId: job.id,
    serverUrl: world.origin,
    apiUrl: world.apiUrl,
  };
}

/** `GITHUB_TOKEN`: of GitHub's own app, for this repository, with the permissions that the workflow names. */
export function issueJobToken(world: World, app: App, repository: Repository, run: WorkflowRun): string {
  const named = permissionsOf(run.workflow.text);
  const all = named['*'];
  const permissions: Record<string, string> = {};
  if (all !== undefined) for (const scope of SCOPES) permissions[scope] = all;
  for (const [scope, access] of Object.entries(named)) permissions[scope.replaceAll('-', '_')] = access;
  const repositoryIds = new Set([repository.id]);
  const installation = {
    id: app.id,
    app,
    account: repository.owner,
    permissions,
    repositoryIds,
    createdAt: world.now(),
    suspendedAt: null,
  };
  return world.issueToken(installation, permissions, repositoryIds).token;
}

interface Dispatch {
  readonly repository: Repository;
  readonly workflow: Workflow;
  readonly ref: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly actor: Account;
}

/** The payload of the event that a dispatch is. */
export function dispatchPayload(world: World, { repository, workflow, ref, inputs, actor }: Dispatch): Fields {
  return {
    inputs,
    ref,
    workflow: workflow.path,
    repository: repositoryView(world, repository),
    sender: accountView(world, actor),
  };
}

function toJson(payload: Fields): JsonObject {
  return JSON.parse(JSON.stringify(payload)) as Json as JsonObject;
}
