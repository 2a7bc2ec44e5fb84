import type { Repository, WorkflowJob, WorkflowRun } from '../model.ts';

/**
 * What GitHub's OIDC token says about a job. `sub` has ids beside names, as in repositories made after 2026-07-15:
 * a name can be taken over by somebody else, an id cannot.
 */
export function claimsOf(repository: Repository, run: WorkflowRun, job: WorkflowJob): Readonly<Record<string, string>> {
  const { owner, name } = repository;
  const fullName = `${owner.login}/${name}`;
  const subject = `repo:${owner.login}@${owner.id}/${name}@${repository.id}`;
  const workflowRef = `${fullName}/${run.workflow.path}@${run.ref}`;
  return {
    sub: job.environment === null ? `${subject}:ref:${run.ref}` : `${subject}:environment:${job.environment}`,
    repository: fullName,
    repository_id: String(repository.id),
    repository_owner: owner.login,
    repository_owner_id: String(owner.id),
    repository_visibility: repository.isPrivate ? 'private' : 'public',
    run_id: String(run.id),
    run_number: String(run.number),
    run_attempt: String(job.attempt),
    ref: run.ref,
    ref_type: run.ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    ref_protected: 'false',
    sha: run.headSha,
    head_ref: '',
    base_ref: '',
    event_name: run.event,
    workflow: run.workflow.name,
    workflow_ref: workflowRef,
    workflow_sha: run.headSha,
    job_workflow_ref: workflowRef,
    job_workflow_sha: run.headSha,
    runner_environment: 'self-hosted',
    actor: run.actor.login,
    actor_id: String(run.actor.id),
    check_run_id: String(job.id),
    ...(job.environment === null ? {} : { environment: job.environment }),
  };
}
