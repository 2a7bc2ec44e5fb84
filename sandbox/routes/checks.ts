import { ApiError, invalid } from '../api-error.ts';
import { branchAt } from '../branches.ts';
import { type Call, found, listed, type Reply, type Routes } from '../call.ts';
import type { Account, CheckRun, CheckSuite, Repository } from '../model.ts';
import { suiteOf } from '../refs.ts';
import type { Fields } from '../shape.ts';
import { checkRunEventView, checkRunView, checkSuiteView } from '../view/check.ts';
import type { World } from '../world.ts';
import { commitOf } from './commits.ts';

const ACTIONS_MAX = 3;
const ACTION_LENGTHS = { label: 20, description: 40, identifier: 20 };
const MESSAGE_BYTES_MAX = 64 * 1024;
const TITLE_MAX = 255;

export const CHECKS: Routes = {
  'checks/create': createRun,
  'checks/update': updateRun,
  'checks/get': (call) => ({ status: 200, body: checkRunView(call.world, call.repository, runOf(call)) }),
  'checks/list-annotations': (call) =>
    listed(call, runOf(call).annotations, (annotation) => ({
      start_column: null,
      end_column: null,
      title: null,
      raw_details: null,
      blob_href: '',
      ...annotation,
    })),
  'checks/list-for-ref': async (call) => {
    const sha = await commitOf(call, call.param('ref'));
    return listRuns(call, (run) => run.headSha === sha);
  },
  'checks/list-for-suite': (call) => {
    const { id } = suiteIn(call);
    return listRuns(call, (run) => run.suite.id === id);
  },
  'checks/get-suite': async (call) => ({
    status: 200,
    body: await checkSuiteView(call.world, call.repository, suiteIn(call)),
  }),
  'checks/list-suites-for-ref': async (call) => {
    const sha = await commitOf(call, call.param('ref'));
    const suites = [...call.repository.checkSuites.values()].filter(({ headSha }) => headSha === sha);
    const views = [];
    for (const suite of suites) views.push(await checkSuiteView(call.world, call.repository, suite));
    return listed(call, views, (view) => view, 'check_suites');
  },
  'checks/create-suite': async (call) => {
    const sha = await commitOf(call, call.needText('head_sha'));
    const isNew = ![...call.repository.checkSuites.values()].some(
      ({ app, headSha }) => headSha === sha && app.id === call.app.id,
    );
    const suite = suiteOf(call.world, call.repository, call.app, sha, await branchAt(call.repository, sha));
    return { status: isNew ? 201 : 200, body: await checkSuiteView(call.world, call.repository, suite) };
  },
  'checks/rerequest-run': (call) => {
    rerequestRun(call.world, call.repository, runOf(call), call.actor);
    return { status: 201, body: {} };
  },
  'checks/rerequest-suite': async (call) => {
    await rerequestSuite(call.world, call.repository, suiteIn(call), call.actor);
    return { status: 201, body: {} };
  },
};

function runOf(call: Call): CheckRun {
  return found(call.repository.checkRuns.get(call.number('check_run_id')));
}

function suiteIn(call: Call): CheckSuite {
  return found(call.repository.checkSuites.get(call.number('check_suite_id')));
}

async function createRun(call: Call): Promise<Reply> {
  const { world, repository, app } = call;
  const sha = call.needText('head_sha');
  if (!/^[0-9a-f]{40}$/.test(sha) || (await repository.git.resolve(sha)) === null)
    throw invalid(`No commit found for SHA: ${sha}`);
  const run: CheckRun = {
    id: world.nextId(),
    suite: suiteOf(world, repository, app, sha, await branchAt(repository, sha)),
    headSha: sha,
    name: call.needText('name'),
    externalId: '',
    detailsUrl: null,
    status: 'queued',
    conclusion: null,
    startedAt: world.now(),
    completedAt: null,
    title: null,
    summary: null,
    text: null,
    annotations: [],
    actions: [],
  };
  change(call, run);
  repository.checkRuns.set(run.id, run);
  announce(call, run, 'created');
  if (run.status === 'completed') announce(call, run, 'completed');
  return { status: 201, body: checkRunView(world, repository, run) };
}

function updateRun(call: Call): Reply {
  const run = runOf(call);
  if (run.suite.app.id !== call.app.id)
    throw new ApiError(
      403,
      `Invalid app_id \`${call.app.id}\` - check run can only be modified by the GitHub App that created it.`,
    );
  const wasCompleted = run.status === 'completed';
  change(call, run);
  if (!wasCompleted && run.status === 'completed') announce(call, run, 'completed');
  else call.world.changed(`${call.param('owner')}/${call.param('repo')}`);
  return { status: 200, body: checkRunView(call.world, call.repository, run) };
}

interface Output {
  readonly title?: string;
  readonly summary?: string;
  readonly text?: string;
  readonly annotations?: readonly Fields[];
}

/** Everything is judged before anything is changed. */
function change(call: Call, run: CheckRun): void {
  const output = call.body['output'] as Output | undefined;
  const actions = call.body['actions'] as readonly Fields[] | undefined;
  judgeActions(actions ?? []);
  for (const annotation of output?.annotations ?? []) judgeAnnotation(annotation);
  const conclusion = call.text('conclusion');
  const status = conclusion === undefined ? call.text('status') : 'completed';
  if (status === 'completed' && conclusion === undefined && run.conclusion === null) {
    throw invalid('Invalid request.\n\n"conclusion" is required when "status" is "completed".');
  }
  changeFacts(call, run);
  run.actions = actions ?? run.actions;
  if (status !== undefined) changeStatus(call, run, status);
  if (output !== undefined) changeOutput(run, output);
}

function changeFacts(call: Call, run: CheckRun): void {
  run.name = call.text('name') ?? run.name;
  run.externalId = call.text('external_id') ?? run.externalId;
  run.detailsUrl = call.text('details_url') ?? run.detailsUrl;
  run.startedAt = call.text('started_at') ?? run.startedAt;
}

function changeStatus(call: Call, run: CheckRun, status: string): void {
  const isCompleted = status === 'completed';
  run.status = status;
  run.conclusion = isCompleted ? (call.text('conclusion') ?? run.conclusion) : null;
  run.completedAt = isCompleted ? (call.text('completed_at') ?? call.world.now()) : null;
}

function changeOutput(run: CheckRun, { title, summary, text, annotations = [] }: Output): void {
  run.title = title ?? run.title;
  run.summary = summary ?? run.summary;
  run.text = text ?? run.text;
  run.annotations.push(...annotations);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function judgeActions(actions: readonly Fields[]): void {
  if (actions.length > ACTIONS_MAX)
    throw invalid(
      `Invalid request.\n\nNo more than ${ACTIONS_MAX} items are allowed; ${actions.length} were supplied.`,
    );
  for (const action of actions) {
    for (const [field, max] of Object.entries(ACTION_LENGTHS)) {
      const text = textOf(action[field]);
      if (text.length > max)
        throw invalid(
          `Invalid request.\n\nOnly ${max} characters are allowed in ${field}; ${text.length} were supplied.`,
        );
    }
  }
}

function judgeAnnotation(annotation: Fields): void {
  const { start_line: start, end_line: end, start_column: column, title, message } = annotation;
  if (typeof start === 'number' && (start < 1 || Number(end) < start))
    throw invalid('Invalid request.\n\nannotation lines are not a range');
  if (column !== undefined && start !== end) {
    throw invalid(
      'Invalid request.\n\nstart_column and end_column are only allowed when start_line and end_line are equal',
    );
  }
  if (textOf(title).length > TITLE_MAX)
    throw invalid(`Invalid request.\n\nannotation title has more than ${TITLE_MAX} characters`);
  if (Buffer.byteLength(textOf(message)) > MESSAGE_BYTES_MAX)
    throw invalid('Invalid request.\n\nannotation message is over 64 KB');
}

function listRuns(call: Call, isWanted: (run: CheckRun) => boolean): Reply {
  const { world, repository } = call;
  const runs = [...repository.checkRuns.values()]
    .filter(isWanted)
    .filter(
      (run) =>
        (call.query('check_name') ?? run.name) === run.name &&
        (call.query('status') ?? run.status) === run.status &&
        (call.query('app_id') ?? String(run.suite.app.id)) === String(run.suite.app.id),
    );
  const latest = call.query('filter') === 'all' ? runs : latestByName(runs);
  return listed(call, latest, (run) => checkRunView(world, repository, run), 'check_runs');
}

/** GitHub shows the newest run of a name and app, unless asked for all. */
export function latestByName(runs: readonly CheckRun[]): readonly CheckRun[] {
  return [...new Map(runs.map((run) => [`${run.suite.app.id} ${run.headSha} ${run.name}`, run])).values()];
}

function announce(call: Call, run: CheckRun, action: string): void {
  const { world, repository, actor } = call;
  const payload = { check_run: checkRunEventView(world, repository, run) };
  world.emit({ event: 'check_run', action, repository, sender: actor, payload });
}

/** Somebody clicks "Re-run": only the app that owns the check hears of it. */
export function rerequestRun(world: World, repository: Repository, run: CheckRun, sender: Account): void {
  const payload = { check_run: checkRunEventView(world, repository, run) };
  world.emit({ event: 'check_run', action: 'rerequested', repository, sender, payload, only: run.suite.app });
}

export async function rerequestSuite(
  world: World,
  repository: Repository,
  suite: CheckSuite,
  sender: Account,
): Promise<void> {
  const payload = { check_suite: await checkSuiteView(world, repository, suite) };
  world.emit({ event: 'check_suite', action: 'rerequested', repository, sender, payload, only: suite.app });
}

/** Somebody clicks a button of a check. */
export function requestAction(
  world: World,
  repository: Repository,
  run: CheckRun,
  identifier: string,
  sender: Account,
): void {
  if (!run.actions.some((action) => action['identifier'] === identifier))
    throw invalid(`the check has no action ${identifier}`);
  if (run.status !== 'completed') throw invalid('actions are shown when the check is completed');
  const payload = { check_run: checkRunEventView(world, repository, run), requested_action: { identifier } };
  world.emit({ event: 'check_run', action: 'requested_action', repository, sender, payload, only: run.suite.app });
}
