import { randomBytes } from 'node:crypto';
import { messageOf } from '../../src/base/errors.ts';
import { evaluateTemplate } from '../../src/pipeline/expression.ts';
import { killMarked } from '../../src/worker/leftovers.ts';
import { type JobRequest, type JobResult, STOP_TIMES, type StepConclusion, type StopTimes } from './job.ts';
import { githubContext, jobVariables, makePlaces, runnerContext } from './job-environment.ts';
import { JobLog } from './job-log.ts';
import { contextsOf, isConditionMet, type JobState, jobStatus, type StepScope, statusFunctions } from './job-state.ts';
import { objectIn, textOf, textsOf } from './json-text.ts';
import { runPostStep } from './run-node-action.ts';
import { runStep, stepName } from './run-step.ts';
import {
  findWorkflowErrors,
  jobMinutes,
  permissionsOf,
  readWorkflow,
  typedInputs,
  type WorkflowFile,
} from './workflow-file.ts';

export type { JobRequest, JobResult } from './job.ts';
export { labelsOf, permissionsOf, runNameOf } from './workflow-file.ts';

export interface RunnerOptions {
  /** The host's environment, of which a job sees the harmless names only. */
  readonly hostEnvironment: Readonly<Record<string, string | undefined>>;
  readonly times?: Partial<StopTimes>;
  /** The machine dies when it aborts: all processes of the job are gone at once, and nothing cleans up. */
  readonly death?: AbortSignal;
}

/** Found on every process of a job, also on those that left its process group; GitHub's runner uses the same name. */
const TRACKING_VARIABLE = 'RUNNER_TRACKING_ID';

/**
 * Runs the one job of a workflow file as GitHub's runner does, with real processes, and leaves none of them running.
 *
 * Never throws: what is wrong with the file or with a step is in the log and fails the job. `signal` cancels it.
 */
export async function runJob(asked: JobRequest, signal: AbortSignal, options: RunnerOptions): Promise<JobResult> {
  const request = withVoice(asked, options.death);
  const steps: { name: string; conclusion: StepConclusion }[] = [];
  const secrets = [request.token, request.idToken?.requestToken ?? ''];
  const log = new JobLog(secrets, request.onLog);
  const trackingId = randomBytes(16).toString('hex');
  const end = (name: string, conclusion: StepConclusion): void => {
    steps.push({ name, conclusion });
    request.onStep(name, conclusion);
  };
  request.onStep('Set up job', 'in_progress');
  const die = (): void => void killMarked(TRACKING_VARIABLE, trackingId);
  options.death?.addEventListener('abort', die, { once: true });
  try {
    const { job, scope, workflow } = await setUp(request, signal, options, log, trackingId);
    end('Set up job', 'success');
    if (isJobWanted(job, scope, workflow)) await runSteps(job, scope, workflow, end);
    const conclusion = jobStatus(job, scope);
    end('Complete job', 'success');
    return { conclusion, steps, summary: job.summaries.join('\n'), annotations: log.annotations };
  } catch (error) {
    log.say(`##[error]${messageOf(error)}`);
    end('Set up job', 'failure');
    return { conclusion: 'failure', steps, summary: '', annotations: log.annotations };
  } finally {
    options.death?.removeEventListener('abort', die);
    await killMarked(TRACKING_VARIABLE, trackingId);
  }
}

/** A machine that has died says nothing more. */
function withVoice(request: JobRequest, death: AbortSignal | undefined): JobRequest {
  return {
    ...request,
    onLog: (line) => death?.aborted || request.onLog(line),
    onStep: (name, status) => death?.aborted || request.onStep(name, status),
  };
}

async function setUp(
  request: JobRequest,
  signal: AbortSignal,
  { hostEnvironment, times, death }: RunnerOptions,
  log: JobLog,
  trackingId: string,
): Promise<{ readonly job: JobState; readonly scope: StepScope; readonly workflow: WorkflowFile }> {
  const errors = await findWorkflowErrors(request.workflowText, request.workflowPath);
  if (errors.length > 0) throw new Error(`the workflow is not valid. ${errors.join('\n')}`);
  const workflow = readWorkflow(request.workflowText, request.workflowPath);
  const inputs = typedInputs(workflow, request.inputs);
  const places = makePlaces(request);
  const github = githubContext(request, workflow, places);
  const runner = runnerContext(places);
  const permissions = permissionsOf(request.workflowText);
  const minutes = jobMinutes(workflow, inputs);
  const job: JobState = {
    request,
    places,
    times: { ...STOP_TIMES, ...times },
    log,
    github,
    runner,
    variables: { ...jobVariables(hostEnvironment, github, runner), [TRACKING_VARIABLE]: trackingId },
    hasIdToken: (permissions['id-token'] ?? permissions['*']) === 'write',
    death: death ?? new AbortController().signal,
    cancelled: AbortSignal.any([signal, AbortSignal.timeout(minutes * 60_000)]),
    env: {},
    path: [],
    cleanUp: null,
    posts: [],
    summaries: [],
  };
  const scope: StepScope = { inputs, defaults: workflow.defaults, action: null, steps: {}, hasFailed: false };
  for (const env of [workflow.env, objectIn(workflow.job.env)]) {
    job.env = { ...job.env, ...textsOf(evaluateTemplate(env, contextsOf(job, scope, job.env), {})) };
  }
  log.say(`Runner name: '${textOf(runner.name)}'`);
  log.say(`Job name: ${workflow.jobId}`);
  return { job, scope, workflow };
}

function isJobWanted(job: JobState, scope: StepScope, workflow: WorkflowFile): boolean {
  return isConditionMet(workflow.job.if, contextsOf(job, scope, job.env), statusFunctions(job, scope));
}

/** The steps in their order, then what their actions want done afterwards, in the reverse order. */
async function runSteps(
  job: JobState,
  scope: StepScope,
  workflow: WorkflowFile,
  end: (name: string, conclusion: StepConclusion) => void,
): Promise<void> {
  const { death } = job;
  for (const step of workflow.steps) {
    if (death.aborted) break;
    const name = stepName(job, scope, step);
    job.request.onStep(name, 'in_progress');
    end(name, await runStep(job, scope, step, name));
  }
  for (let post = job.posts.pop(); post && !death.aborted; post = job.posts.pop()) {
    job.request.onStep(post.name, 'in_progress');
    job.log.say(`Post job cleanup: ${post.name}`);
    end(post.name, await runPostStep(job, post));
  }
}
