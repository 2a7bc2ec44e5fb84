import type { JsonObject } from '../../base/json.ts';
import { numberAt, objectsAt, textAt } from './payload.ts';

/** A ref can have any length; an index row cannot. */
const LANE_CHARS_MAX = 500;

/**
 * What a delivery must be dealt with in order with: its pull request, its ref, its workflow run, its repository, its
 * installation; the first of these that it names.
 */
export function laneOf(event: string, payload: JsonObject): string {
  const repository = numberAt(payload, 'repository.id');
  const installation = numberAt(payload, 'installation.id');
  const job = event.startsWith('workflow_') || event === 'deployment_protection_rule' ? jobOf(payload) : undefined;
  // With the repository in front, which takes turns with others in the inbox.
  if (job !== undefined) return `${repository ?? 'other'}/job/${job}`;
  const isInstallation = event.startsWith('installation') || repository === undefined;
  if (isInstallation && installation !== undefined) return `installation/${installation}`;
  if (repository === undefined) return 'other';
  const pull = pullOf(payload);
  const thing = pull === undefined ? refOf(payload) : `pr/${pull}`;
  return `${repository}/${thing ?? 'repository'}`.slice(0, LANE_CHARS_MAX);
}

function jobOf(payload: JsonObject): number | undefined {
  return numberAt(payload, 'workflow_job.run_id') ?? numberAt(payload, 'workflow_run.id') ?? waitingRun(payload);
}

/** Of a protection rule, which names its workflow run nowhere else. The callback is not believed here, only put in order. */
function waitingRun(payload: JsonObject): number | undefined {
  const [, id] = /\/actions\/runs\/([1-9]\d{0,14})\//.exec(textAt(payload, 'deployment_callback_url') ?? '') ?? [];
  return id === undefined ? undefined : Number(id);
}

/** Comments name their pull request as an issue: pull requests and issues share their numbers. */
function pullOf(payload: JsonObject): number | undefined {
  return (
    numberAt(payload, 'pull_request.number') ??
    numberAt(payload, 'issue.number') ??
    checkPull(payload, 'check_run.pull_requests') ??
    checkPull(payload, 'check_suite.pull_requests') ??
    checkPull(payload, 'check_run.check_suite.pull_requests')
  );
}

function checkPull(payload: JsonObject, path: string): number | undefined {
  const [first] = objectsAt(payload, path);
  return first && numberAt(first, 'number');
}

/** Pushes name it in full, other events the branch or tag alone, statuses of commits and deployments the commit. */
function refOf(payload: JsonObject): string | undefined {
  const ref = textAt(payload, 'ref') ?? textAt(payload, 'merge_group.head_ref');
  if (ref !== undefined) return ref;
  const tag = textAt(payload, 'release.tag_name');
  if (tag !== undefined) return `refs/tags/${tag}`;
  const sha = textAt(payload, 'deployment.sha') ?? textAt(payload, 'sha');
  if (sha !== undefined) return sha;
  const branch = textAt(payload, 'check_suite.head_branch') ?? textAt(payload, 'check_run.check_suite.head_branch');
  return branch === undefined ? undefined : `refs/heads/${branch}`;
}
