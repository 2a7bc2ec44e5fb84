import { dispatchPayload } from '../actions/job-request.ts';
import { listWorkflows, triggersOf } from '../actions/workflow.ts';
import { ApiError, invalid } from '../api-error.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import { environmentOf } from '../environments.ts';
import type { Workflow, WorkflowJob, WorkflowRun } from '../model.ts';
import type { Fields } from '../shape.ts';
import { environmentView } from '../view/deployment.ts';
import { pageUrl, repositoryUrl } from '../view/repository.ts';
import { jobView, runView, workflowView } from '../view/run.ts';

const INPUTS_MAX = 25;
const ENTERPRISE_INPUTS_MAX = 10;
const INPUT_CHARACTERS_MAX = 65_535;
const RERUNS_MAX = 50;
/** Of one app, while it makes up its mind about one deployment. */
const GATE_COMMENTS_MAX = 10;
const GATE_COMMENT_CHARACTERS_MAX = 1024;

export const ACTIONS: Routes = {
  'actions/create-workflow-dispatch': dispatch,
  'actions/list-repo-workflows': async (call) => {
    const workflows = await defaultWorkflows(call);
    return listed(call, workflows, (workflow) => workflowView(call.world, call.repository, workflow), 'workflows');
  },
  'actions/get-workflow': async (call) => {
    const workflow = found(pick(await defaultWorkflows(call), call.param('workflow_id')));
    return { status: 200, body: workflowView(call.world, call.repository, workflow) };
  },
  'actions/list-workflow-runs-for-repo': async (call) => await listRuns(call, () => true),
  'actions/list-workflow-runs': async (call) => {
    const name = call.param('workflow_id');
    return await listRuns(call, ({ workflow }) => pick([workflow], name) !== undefined);
  },
  'actions/get-workflow-run': async (call) => ({
    status: 200,
    body: await runView(call.world, call.repository, runOf(call)),
  }),
  'actions/list-jobs-for-workflow-run': (call) => {
    const run = runOf(call);
    const jobs = call.query('filter') === 'all' ? run.jobs : run.jobs.filter(({ attempt }) => attempt === run.attempt);
    return listed(call, jobs, (job) => jobView(call.world, call.repository, run, job), 'jobs');
  },
  'actions/list-jobs-for-workflow-run-attempt': (call) => {
    const run = runOf(call);
    const jobs = run.jobs.filter(({ attempt }) => attempt === call.number('attempt_number'));
    return listed(call, jobs, (job) => jobView(call.world, call.repository, run, job), 'jobs');
  },
  'actions/get-job-for-workflow-run': (call) => {
    const { run, job } = jobOf(call);
    return { status: 200, body: jobView(call.world, call.repository, run, job) };
  },
  'actions/download-job-logs-for-workflow-run': (call) => {
    const { job } = jobOf(call);
    const location = `${call.world.origin}/_sandbox/job-logs/${job.id}`;
    return { status: 302, headers: { location } };
  },
  'actions/cancel-workflow-run': cancel,
  'actions/force-cancel-workflow-run': cancel,
  'actions/re-run-workflow': rerun,
  'actions/re-run-workflow-failed-jobs': rerun,
  'actions/review-custom-gates-for-run': review,
  'actions/get-pending-deployments-for-run': (call) => {
    const waiting = runOf(call).jobs.filter(({ status, environment }) => status === 'waiting' && environment !== null);
    const names = new Set(waiting.flatMap(({ environment }) => environment ?? []));
    return { status: 200, body: [...names].map((name) => pendingDeployment(call, name)) };
  },
};

/** People may approve where reviewers are named, which the sandbox has none of. */
function pendingDeployment({ world, repository }: Call, name: string): Fields {
  const { id, node_id, url, html_url } = environmentView(world, repository, environmentOf(world, repository, name));
  return {
    environment: { id, node_id, name, url, html_url },
    wait_timer: 0,
    wait_timer_started_at: null,
    current_user_can_approve: false,
    reviewers: [],
  };
}

async function dispatch(call: Call): Promise<Reply> {
  const { world, repository, actor } = call;
  const { actions, apiVersion, isEnterprise } = call.parts;
  if (isEnterprise && call.body['return_run_details'] !== undefined) {
    throw invalid('Invalid request.\n\n"return_run_details" is not a permitted key.');
  }
  const { ref, sha } = await refOf(call);
  const name = call.param('workflow_id');
  const workflow = pick(await listWorkflows(repository, sha), name);
  if (workflow === undefined) throw new ApiError(404, 'Not Found');
  const { events, inputs: declared } = triggersOf(workflow.text);
  if (!events.has('workflow_dispatch')) throw invalid("Workflow does not have 'workflow_dispatch' trigger");
  const inputs = judgeInputs((call.body['inputs'] ?? {}) as Readonly<Record<string, unknown>>, declared, isEnterprise);
  const wanted = { repository, workflow, ref, inputs, actor };
  const run = await actions.start({
    ...wanted,
    event: 'workflow_dispatch',
    payload: dispatchPayload(world, wanted),
    headSha: sha,
  });
  const hasDetails = !isEnterprise && (apiVersion === '2026-03-10' || call.flag('return_run_details'));
  if (!hasDetails) return { status: 204 };
  const body = {
    workflow_run_id: run.id,
    run_url: `${repositoryUrl(world, repository)}/actions/runs/${run.id}`,
    html_url: `${pageUrl(world, repository)}/actions/runs/${run.id}`,
  };
  return { status: 200, body };
}

/** A branch or a tag: a dispatch on a bare commit does not exist. */
async function refOf(call: Call): Promise<{ readonly ref: string; readonly sha: string }> {
  const given = call.needText('ref');
  const refs = await call.repository.git.refs();
  const ref = [given, `refs/heads/${given}`, `refs/tags/${given}`].find(
    (name) => name.startsWith('refs/') && refs.has(name),
  );
  const sha = ref === undefined ? null : await call.repository.git.resolve(ref);
  if (ref === undefined || sha === null) throw invalid(`No ref found for: ${given}`);
  return { ref, sha };
}

function judgeInputs(
  given: Readonly<Record<string, unknown>>,
  declared: ReturnType<typeof triggersOf>['inputs'],
  isEnterprise: boolean,
): Readonly<Record<string, string>> {
  const unexpected = Object.keys(given).filter((name) => declared[name] === undefined);
  if (unexpected.length > 0) throw invalid(`Unexpected inputs provided: ${JSON.stringify(unexpected)}`);
  const inputsMax = isEnterprise ? ENTERPRISE_INPUTS_MAX : INPUTS_MAX;
  if (Object.keys(declared).length > inputsMax)
    throw invalid(`you may only define up to ${inputsMax} \`inputs\` for a \`workflow_dispatch\` event`);
  const inputs: Record<string, string> = {};
  for (const [name, { required, default: otherwise }] of Object.entries(declared)) {
    const value = given[name] ?? otherwise;
    if (value === undefined && required === true) throw invalid(`Required input '${name}' not provided`);
    if (value !== undefined) inputs[name] = typeof value === 'string' ? value : JSON.stringify(value);
  }
  if (JSON.stringify(inputs).length > INPUT_CHARACTERS_MAX) throw invalid('inputs are too large.');
  return inputs;
}

async function defaultWorkflows(call: Call): Promise<readonly Workflow[]> {
  const { repository } = call;
  const head = await repository.git.resolve(`refs/heads/${repository.defaultBranch}`);
  return head === null ? [] : await listWorkflows(repository, head);
}

function pick(workflows: readonly Workflow[], name: string): Workflow | undefined {
  return workflows.find(({ id, path }) => String(id) === name || path === name || path === `.github/workflows/${name}`);
}

async function listRuns(call: Call, isWanted: (run: WorkflowRun) => boolean): Promise<Reply> {
  const { world, repository } = call;
  const runs = [...repository.workflowRuns.values()].filter((run) => isWanted(run) && fits(call, run));
  const { items, headers } = call.page(runs.toReversed());
  const views = [];
  for (const run of items) views.push(await runView(world, repository, run));
  return { status: 200, headers, body: { total_count: runs.length, workflow_runs: views } };
}

function fits(call: Call, run: WorkflowRun): boolean {
  const facts = {
    event: run.event,
    head_sha: run.headSha,
    actor: run.actor.login,
    branch: run.ref.replace(/^refs\/(heads|tags)\//, ''),
  };
  const status = call.query('status');
  if (status !== undefined && status !== run.status && status !== run.conclusion) return false;
  if (!isCreatedWithin(run, call.query('created'))) return false;
  return Object.entries(facts).every(([name, fact]) => (call.query(name) ?? fact) === fact);
}

/** `>=2026-01-01T00:00:00Z` and `a..b`, the two forms that programs use. */
function isCreatedWithin(run: WorkflowRun, range: string | undefined): boolean {
  if (range === undefined) return true;
  const at = Date.parse(run.createdAt);
  const [from, to] = range.split('..');
  if (to !== undefined) return at >= Date.parse(from ?? '') && at <= Date.parse(to);
  const [, sign = '', date = ''] = /^([<>]=?)?(.*)$/.exec(range) ?? [];
  if (sign === '') return run.createdAt.startsWith(date);
  return sign.startsWith('>') ? at >= Date.parse(date) : at <= Date.parse(date);
}

function runOf(call: Call): WorkflowRun {
  return found(call.repository.workflowRuns.get(call.number('run_id')));
}

function jobOf(call: Call): { readonly run: WorkflowRun; readonly job: WorkflowJob } {
  for (const run of call.repository.workflowRuns.values()) {
    const job = run.jobs.find(({ id }) => id === call.number('job_id'));
    if (job !== undefined) return { run, job };
  }
  return found<never>(undefined);
}

async function cancel(call: Call): Promise<Reply> {
  await call.parts.actions.cancel(call.repository, runOf(call));
  return { status: 202, body: {} };
}

async function rerun(call: Call): Promise<Reply> {
  const run = runOf(call);
  if (run.attempt > RERUNS_MAX)
    throw new ApiError(403, 'This workflow run cannot be re-run: it has reached the limit of re-runs');
  await call.parts.actions.rerun(call.repository, run);
  return { status: 201, body: {} };
}

async function review(call: Call): Promise<Reply> {
  const run = runOf(call);
  const environment = call.needText('environment_name');
  const state = call.text('state') ?? null;
  const comment = call.text('comment') ?? '';
  if (comment.length > GATE_COMMENT_CHARACTERS_MAX)
    throw invalid(`comment is too long (maximum is ${GATE_COMMENT_CHARACTERS_MAX} characters)`);
  if (state === null) judgeGateComments(call, run, environment);
  await call.parts.actions.review(call.repository, run, call.app, { environment, state, comment });
  return { status: 204 };
}

function judgeGateComments({ app }: Call, run: WorkflowRun, environment: string): void {
  const said = run.reviews.filter(
    (one) =>
      one.app === app.slug && one.environment === environment && one.attempt === run.attempt && one.state === null,
  );
  if (said.length >= GATE_COMMENTS_MAX) throw invalid(`no more than ${GATE_COMMENTS_MAX} status reports are allowed`);
}
