import { ERROR_CODES } from '../../base/error-codes.ts';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { RetryScope } from '../../protocol/client.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import { isRunFinal } from '../../protocol/run.ts';
import type { DeliveryHandler } from '../delivery-handler.ts';
import type { Octokit } from '../octokit.ts';
import { type KnownPerson, personOf } from '../people/person-of.ts';
import { teamsOfRoles } from '../people/teams-named.ts';
import { isDeploymentDecision } from '../protection/deployment-decision.ts';
import { repositoryNamespace } from '../repository-namespace.ts';
import { answerButton } from './answer-button.ts';
import { type CheckRequest, checkRequestOf } from './check-request.ts';
import type { Verb } from './command-table.ts';
import { claimed } from './comment-handler.ts';
import { newestOfEach } from './head-runs.ts';
import { assertMayDo } from './may-do.ts';
import type { Press } from './press.ts';
import { fetchPull, type Pull, pullsOfHead } from './pull.ts';
import { rerun } from './rerun.ts';
import { wasRetargeted } from './retargeted.ts';
import { startAgain } from './start-again.ts';
import type { CommandTools } from './tools.ts';
import { grantAndStart } from './vouch.ts';

/** What a button does, once per press, for whom policy allows it. Answers stand in the inbox: a check has no place for them. */
export function handleChecks(tools: CommandTools): DeliveryHandler {
  return async (delivery) => {
    const request = checkRequestOf(delivery, tools.appId);
    if (request === undefined) return 'not a button of one of our checks';
    return claimed(tools, { key: request.key }, async () => {
      const octokit = await tools.access.installation(request.repository.installationId);
      const press = { tools, octokit, request, person: await presserOf(tools, octokit, request) };
      return (delivery.event === 'check_suite' ? rerunAll(press) : pressed(press)).catch(refusalText);
    });
  };
}

async function presserOf(
  { engine }: CommandTools,
  octokit: Octokit,
  { repository: { installationId, id, owner, name: repo }, sender }: CheckRequest,
): Promise<KnownPerson> {
  const data = await engine.policyData(repositoryNamespace(installationId, id));
  return personOf(octokit, { owner, repo }, sender, teamsOfRoles(data));
}

function assertMay({ tools, request, person }: Press, action: Verb): Promise<void> {
  return assertMayDo(tools.engine, request, person, action);
}

function refusalText(error: unknown): string {
  if (!isMaestroError(error)) throw error;
  const { httpStatus, isRetryable } = ERROR_CODES[error.code];
  if (httpStatus >= 500 || (isRetryable && error.code !== 'RUN_NOT_FINISHED')) throw error;
  return `refused: ${error.message}`;
}

/** All pipelines of the commit, from their beginning; those of which there is no run are started. */
async function rerunAll(press: Press): Promise<string> {
  const { tools, octokit, request } = press;
  await assertMay(press, 'retry');
  const ofCommit = await tools.runs.ofCommit(request.repository.id, request.headSha);
  const rows = newestOfEach(ofCommit.filter((row) => !isDeploymentDecision(row)));
  if (rows.length === 0) {
    await assertMay(press, 'run');
    return startAgain(tools, octokit, request, undefined);
  }
  const notes: string[] = [];
  for (const row of rows) {
    const run = await tools.engine.resolve(row.runId);
    const { status } = await tools.engine.readRun(run);
    if (isRunFinal(status)) notes.push((await rerun(tools, row, { type: 'all' }, await askOf(press, row))).id);
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
  await assertMay(press, button === 'rerun' || button === 'rerun-failed' ? 'retry' : button);
  if (button === 'approve' || button === 'deny') return answerButton(press, row, step, button);
  if (button === 'cancel') {
    await tools.engine.cancelRun(await tools.engine.resolve(row.runId), `cancelled by ${press.person.login}`);
    return `cancelled ${row.runId}`;
  }
  return `run again: ${(await rerun(tools, row, await scopeOf(tools, row, step), await askOf(press, row))).id}`;
}

/** What came of a commit without a run: held, broken, skipped. Approving it vouches for exactly the commit it stands on. */
async function pressedNotice(press: Press, pipelinePath: string): Promise<string> {
  const { tools, octokit, request, person } = press;
  if (request.button === 'rerun' || request.button === 'rerun-failed') {
    await assertMay(press, 'run');
    return startAgain(tools, octokit, request, pipelinePath === '' ? undefined : pipelinePath);
  }
  await assertMay(press, 'ok-to-test');
  const pull = request.button === 'approve' ? await onlyPullOf(octokit, request) : undefined;
  if (!pull?.isFork || !pull.isOpen) throw new MaestroError('CONFLICT', 'nothing waits for this any more');
  const { completedAt } = request;
  if (completedAt === null || (await wasRetargeted(octokit, request.repository, pull.number, completedAt)))
    throw new MaestroError(
      'CONFLICT',
      'the base branch was changed since: write /maestro ok-to-test in the pull request',
    );
  const cause = { actor: person.login, actorId: person.id, deliveryId: request.key };
  await grantAndStart(tools, request.repository, pull, cause);
  return `${person.login} vouched for ${request.headSha}`;
}

/** A check stands on a commit, which may be the head of several pull requests, with base branches of their own. */
async function onlyPullOf(octokit: Octokit, request: CheckRequest): Promise<Pull | undefined> {
  const [only, ...others] = await pullsOfHead(octokit, request.repository, request.headSha);
  if (others.length > 0)
    throw new MaestroError(
      'CONFLICT',
      `the commit is the head of pull requests ${[only, ...others].join(', ')}: write /maestro ok-to-test in the one that is meant`,
    );
  const pull = only === undefined ? undefined : await fetchPull(octokit, request.repository, only);
  // Its author may have pushed another commit meanwhile, which nobody looked at here.
  return pull?.headSha === request.headSha ? pull : undefined;
}

/** A run is repeated once from here: the new run has a check of its own, with buttons of its own. */
async function askOf(
  { octokit, request }: Press,
  row: GitHubRun,
): Promise<{ readonly key: string; readonly isOpen: boolean }> {
  const { pullNumber } = row;
  const isOpen = pullNumber === null || (await fetchPull(octokit, request.repository, pullNumber)).isOpen;
  return { key: `rerun/${row.runId}`, isOpen };
}

async function scopeOf({ engine }: CommandTools, row: GitHubRun, step: string | undefined): Promise<RetryScope> {
  const { status, steps } = await engine.readRun(await engine.resolve(row.runId));
  if (status === 'succeeded') return step === undefined ? { type: 'all' } : { type: 'from', step };
  // A step that did not succeed is among the failed ones, with what else has to be repeated.
  const isDone = steps.some(({ id, status }) => id === step && status === 'succeeded');
  return step !== undefined && isDone ? { type: 'from', step } : { type: 'failed' };
}
