import type { CheckRun, WorkflowJob, WorkflowRun } from '../model.ts';
import { labelsOf } from '../runner/run-job.ts';
import type { World } from '../world.ts';
import { environmentNameOf, jobKeyOf } from './workflow.ts';

/** The job of a run's present attempt. */
export function newJob(world: World, run: WorkflowRun): WorkflowJob {
  const { text } = run.workflow;
  const key = jobKeyOf(text);
  return {
    id: world.nextId(),
    attempt: run.attempt,
    key,
    name: key,
    labels: labelsOf(text, run.inputs),
    environment: environmentNameOf(text),
    createdAt: world.now(),
    log: [],
    steps: [],
    stop: new AbortController(),
    death: new AbortController(),
    status: 'queued',
    conclusion: null,
    startedAt: null,
    completedAt: null,
    runnerName: null,
    summary: '',
    deployment: null,
  };
}

/** On GitHub a job is a check run of the app `github-actions`, with the job's id. */
export function checkOf({ suite, headSha }: WorkflowRun, job: WorkflowJob): CheckRun {
  return {
    id: job.id,
    suite,
    headSha,
    name: job.name,
    externalId: '',
    detailsUrl: null,
    status: 'queued',
    conclusion: null,
    startedAt: job.createdAt,
    completedAt: null,
    title: job.name,
    summary: null,
    text: null,
    annotations: [],
    actions: [],
  };
}
