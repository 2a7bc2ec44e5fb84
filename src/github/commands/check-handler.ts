import { ERROR_CODES } from '../../base/error-codes.ts';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { RetryScope } from '../../protocol/client.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import { isRunFinal } from '../../protocol/run.ts';
import type { DeliveryHandler } from '../delivery-handler.ts';
import type { Octokit } from '../octokit.ts';
import { hasRole } from '../people/role.ts';
import { type KnownPerson, roleOf } from '../people/role-of.ts';
import { assertNotAuthor, wantsOthers } from './answer-gate.ts';
import { type CheckRequest, checkRequestOf } from './check-request.ts';
import { claimed } from './comment-handler.ts';
import { newestOfEach, readRuns } from './head-runs.ts';
import { fetchPull, type Pull } from './pull.ts';
import { rerun } from './rerun.ts';
import { pullOf, startAgain } from './start-again.ts';
import type { CommandTools } from './tools.ts';
import { grantAndStart } from './vouch.ts';
import { chooseGate, waitingGates } from './waiting-gates.ts';

/** What a button does, once per press, for people with the write role. Answers stand in the inbox: a check has no place for them. */
export function handleChecks(tools: CommandTools): DeliveryHandler {
  return async (delivery) => {
    const request = checkRequestOf(delivery, tools.appId);
    if (request === undefined) return 'not a button of one of our checks';
    return claimed(tools, request.key, async () => {
      const { owner, name: repo, installationId } = request.repository;
      const octokit = await tools.access.installation(installationId);
      const person = await roleOf(octokit, { owner, repo }, request.sender);
      if (!hasRole(person.role, 'write')) return `refused: ${person.login} has the role ${person.role}, not write`;
      const press = { tools, octokit, request, person };
      return (delivery.event === 'check_suite' ? rerunAll(press) : pressed(press)).catch(refusalText);
    });
  };
}

interface Press {
  readonly tools: CommandTools;
  readonly octokit: Octokit;
  readonly request: CheckRequest;
  readonly person: KnownPerson;
}

function refusalText(error: unknown): string {
  if (!isMaestroError(error)) throw error;
  const { httpStatus, isRetryable } = ERROR_CODES[error.code];
  if (httpStatus >= 500 || (isRetryable && error.code !== 'RUN_NOT_FINISHED')) throw error;
  return `refused: ${error.message}`;
}

/** All pipelines of the commit, from their beginning; those of which there is no run are started. */
async function rerunAll({ tools, octokit, request }: Press): Promise<string> {
  const rows = newestOfEach(await tools.runs.ofCommit(request.repository.id, request.headSha));
  if (rows.length === 0) return startAgain(tools, octokit, request, undefined);
  const notes: string[] = [];
  for (const row of rows) {
    const run = await tools.engine.resolve(row.runId);
    const { status } = await tools.engine.readRun(run);
    if (isRunFinal(status)) notes.push((await rerun(tools, row, { type: 'all' }, rerunKey(row.runId))).id);
  }
  return `run again: ${notes.join(', ') || 'none, they have not ended'}`;
}

async function pressed(press: Press): Promise<string> {
  const { tools, request } = press;
  const [first = '', ...rest] = request.externalId.split('/');
  const step = rest.length > 0 ? rest.join('/') : undefined;
  if (first === 'notice') return pressedNotice(press, rest.slice(1).join('/'));
  const row = await tools.runs.find(first);
  if (!row || row.repositoryId !== request.repository.id || row.headSha !== request.headSha)
    throw new MaestroError('RUN_NOT_FOUND', `no run of this commit has the id ${first}`);
  const { button } = request;
  if (button === 'approve' || button === 'deny') return answerButton(press, row, step, button);
  if (button === 'cancel') {
    await tools.engine.cancelRun(await tools.engine.resolve(row.runId), `cancelled by ${press.person.login}`);
    return `cancelled ${row.runId}`;
  }
  return `run again: ${(await rerun(tools, row, await scopeOf(tools, row, step), rerunKey(row.runId))).id}`;
}

/** What came of a commit without a run: held, broken, skipped. Approving it vouches for exactly the commit it stands on. */
async function pressedNotice({ tools, octokit, request, person }: Press, pipelinePath: string): Promise<string> {
  if (request.button === 'rerun' || request.button === 'rerun-failed')
    return startAgain(tools, octokit, request, pipelinePath === '' ? undefined : pipelinePath);
  const pull = request.button === 'approve' ? await pullOf(octokit, request) : undefined;
  if (!pull?.isFork || !pull.isOpen) throw new MaestroError('CONFLICT', 'nothing waits for this any more');
  await grantAndStart(tools, request.repository, pull, { actor: person.login, deliveryId: request.key });
  return `${person.login} vouched for ${request.headSha}`;
}

/** A run is repeated once from here: the new run has a check of its own, with buttons of its own. */
function rerunKey(runId: string): string {
  return `rerun/${runId}`;
}

async function scopeOf({ engine }: CommandTools, row: GitHubRun, step: string | undefined): Promise<RetryScope> {
  const { status, steps } = await engine.readRun(await engine.resolve(row.runId));
  if (status === 'succeeded') return step === undefined ? { type: 'all' } : { type: 'from', step };
  // A step that did not succeed is among the failed ones, with what else has to be repeated.
  const isDone = steps.some(({ id, status }) => id === step && status === 'succeeded');
  return step !== undefined && isDone ? { type: 'from', step } : { type: 'failed' };
}

async function answerButton(
  { tools, octokit, request, person }: Press,
  row: GitHubRun,
  step: string | undefined,
  decision: 'approve' | 'deny',
): Promise<string> {
  const run = await tools.engine.resolve(row.runId);
  const { gate } = await gateOf(tools, request.key, row, step);
  if (decision === 'approve' && wantsOthers(await tools.engine.readPlan(run), gate)) {
    const pull = await pullOfRun(octokit, request, row);
    await assertNotAuthor(octokit, request.repository, {
      pull,
      person,
      run: { row, view: await tools.engine.readRun(run) },
    });
  }
  const principal = { provider: 'github', id: person.login };
  const named = gate === null ? {} : { gate };
  await tools.engine.answerGate(run, { ...named, decision, reason: '', principal });
  return `${decision} of ${gate ?? 'the run'} by ${person.login}`;
}

/** The run's own pull request: another one of the same commit may be somebody else's, opened to approve this one with. */
async function pullOfRun(octokit: Octokit, request: CheckRequest, row: GitHubRun): Promise<Pull | null> {
  if (row.pullNumber !== null) return fetchPull(octokit, request.repository, row.pullNumber);
  return (await pullOf(octokit, request)) ?? null;
}

/** Chosen once: pressed on the check of a whole run, it must not pass to the next gate when it is delivered again. */
async function gateOf(
  tools: CommandTools,
  key: string,
  row: GitHubRun,
  step: string | undefined,
): Promise<{ readonly gate: string | null }> {
  const known = await tools.records.target(key, 0);
  if (known !== undefined) return known as { readonly gate: string | null };
  const gate = step ?? chooseGate(waitingGates(await readRuns(tools, [row])), [], '').waiting.gate;
  return (await tools.records.intend(key, 0, { gate })) as { readonly gate: string | null };
}
