import { digestJson } from '../../base/digest.ts';
import type { JsonObject } from '../../base/json.ts';
import type { RunTrigger } from '../../protocol/client.ts';
import type { DeploymentAsk } from './deployment-ask.ts';

/** What triggers say of runs that decide for GitHub Actions. */
export const DEPLOYMENT_TRIGGER = 'deployment';

/** Why such a run is started, as policy, expressions and the receipt know it. */
export function deploymentTrigger(ask: DeploymentAsk): RunTrigger {
  const github = githubContext(ask);
  const { login, id } = ask.actor;
  return {
    type: DEPLOYMENT_TRIGGER,
    actor: { provider: 'github', id: login, ...(id !== null && { account: String(id) }) },
    source: { uri: ask.repository.url, gitCommit: ask.sha, ref: ask.ref },
    github,
    eventDigest: digestJson(github),
    isFork: ask.isFork,
  };
}

/** The `github` context of Actions, of fields that are bounded. */
function githubContext(ask: DeploymentAsk): JsonObject {
  const { repository, ref, sha, actor, environment, deploymentId, workflowRunId, attempt, event } = ask;
  const name = `${repository.owner}/${repository.name}`;
  return {
    event_name: 'deployment_protection_rule',
    event: {
      action: 'requested',
      environment,
      event,
      deployment: { ...(deploymentId !== null && { id: deploymentId }), sha, ref, environment },
      workflow_run: { id: workflowRunId, run_attempt: attempt },
      repository: {
        id: repository.id,
        name: repository.name,
        full_name: name,
        owner: { login: repository.owner },
        default_branch: repository.defaultBranch,
        html_url: repository.url,
      },
      sender: { login: actor.login },
    },
    actor: actor.login,
    repository: name,
    repository_id: String(repository.id),
    repository_owner: repository.owner,
    sha,
    ref: ref ?? '',
    ref_name: ref?.replace(/^refs\/(?:heads|tags|pull)\//, '') ?? '',
    ref_type: ref?.startsWith('refs/tags/') === true ? 'tag' : 'branch',
    head_ref: '',
    base_ref: '',
  };
}
