import type { Repository, Workflow, WorkflowJob, WorkflowRun } from '../model.ts';
import { nodeId } from '../names.ts';
import type { Fields } from '../shape.ts';
import type { World } from '../world.ts';
import { commitEventView } from './commit.ts';
import { accountView, pageUrl, repositoryUrl, repositoryView } from './repository.ts';

export function workflowView(world: World, repository: Repository, workflow: Workflow): Fields {
  const page = `${pageUrl(world, repository)}/blob/${repository.defaultBranch}/${workflow.path}`;
  return {
    id: workflow.id,
    node_id: nodeId('Workflow', workflow.id),
    name: workflow.name,
    path: workflow.path,
    state: 'active',
    created_at: repository.createdAt,
    updated_at: repository.createdAt,
    url: `${repositoryUrl(world, repository)}/actions/workflows/${workflow.id}`,
    html_url: page,
    badge_url: `${pageUrl(world, repository)}/workflows/${encodeURIComponent(workflow.name)}/badge.svg`,
  };
}

export async function runView(world: World, repository: Repository, run: WorkflowRun): Promise<Fields> {
  const url = `${repositoryUrl(world, repository)}/actions/runs/${run.id}`;
  const event = await commitEventView(world, repository, run.headSha);
  return {
    id: run.id,
    node_id: nodeId('WorkflowRun', run.id),
    name: run.workflow.name,
    display_title: run.title,
    path: run.workflow.path,
    run_number: run.number,
    run_attempt: run.attempt,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: run.workflow.id,
    check_suite_id: run.suite.id,
    check_suite_node_id: nodeId('CheckSuite', run.suite.id),
    head_branch: run.ref.replace(/^refs\/(heads|tags)\//, ''),
    head_sha: run.headSha,
    url,
    html_url: `${pageUrl(world, repository)}/actions/runs/${run.id}`,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: null,
    check_suite_url: `${repositoryUrl(world, repository)}/check-suites/${run.suite.id}`,
    workflow_url: `${repositoryUrl(world, repository)}/actions/workflows/${run.workflow.id}`,
    pull_requests: [],
    created_at: run.createdAt,
    updated_at: run.updatedAt,
    run_started_at: run.attemptStartedAt,
    actor: accountView(world, run.actor),
    triggering_actor: accountView(world, run.actor),
    head_commit: {
      id: run.headSha,
      tree_id: event['tree_id'],
      message: event['message'],
      timestamp: event['timestamp'],
      author: event['author'],
      committer: event['committer'],
    },
    repository: repositoryView(world, repository),
    head_repository: repositoryView(world, repository),
    referenced_workflows: [],
  };
}

export function jobView(world: World, repository: Repository, run: WorkflowRun, job: WorkflowJob): Fields {
  const url = `${repositoryUrl(world, repository)}/actions/jobs/${job.id}`;
  return {
    id: job.id,
    node_id: nodeId('CheckRun', job.id),
    run_id: run.id,
    run_url: `${repositoryUrl(world, repository)}/actions/runs/${run.id}`,
    run_attempt: job.attempt,
    name: job.name,
    workflow_name: run.workflow.name,
    head_sha: run.headSha,
    head_branch: run.ref.replace(/^refs\/(heads|tags)\//, ''),
    url,
    html_url: `${pageUrl(world, repository)}/actions/runs/${run.id}/job/${job.id}`,
    check_run_url: `${repositoryUrl(world, repository)}/check-runs/${job.id}`,
    status: job.status,
    conclusion: job.conclusion,
    created_at: job.createdAt,
    started_at: job.startedAt ?? job.createdAt,
    completed_at: job.completedAt,
    labels: job.labels,
    runner_id: job.runnerName === null ? null : 1,
    runner_name: job.runnerName,
    runner_group_id: job.runnerName === null ? null : 1,
    runner_group_name: job.runnerName === null ? null : 'Default',
    steps: job.steps.map((step, index) => ({
      name: step.name,
      number: index + 1,
      status: step.status,
      conclusion: step.conclusion,
      started_at: job.startedAt,
      completed_at: step.status === 'completed' ? (job.completedAt ?? job.startedAt) : null,
    })),
  };
}
