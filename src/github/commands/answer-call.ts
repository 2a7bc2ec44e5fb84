import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import type { AdmitPerson, AnswerCall, AnsweredCall } from '../../protocol/person-call.ts';
import { isUninstalled } from '../intake/failure.ts';
import type { Octokit } from '../octokit.ts';
import { type KnownPerson, personOf } from '../people/person-of.ts';
import { teamsOfRoles } from '../people/teams-named.ts';
import { holderOfToken, type SeenRepository, type TokenHolder, type TokenHolders } from '../people/token-holder.ts';
import { repositoryNamespace } from '../repository-namespace.ts';
import { assertNewest, giveAnswer } from './give-answer.ts';
import type { HeadRun } from './head-runs.ts';
import { assertMayDo } from './may-do.ts';
import { fetchPull } from './pull.ts';
import type { CommandTools } from './tools.ts';
import { onlyWaiting, waitingGates } from './waiting-gates.ts';

export interface AnswerCallTools extends Pick<CommandTools, 'access' | 'engine' | 'runs'> {
  readonly github: TokenHolders;
}

/**
 * Answers of people over HTTP. Their own token says who they are, and that they may read the repository; what they may do
 * there the installation asks, as it does for who writes a comment.
 */
export function openAnswerCalls(tools: AnswerCallTools): AdmitPerson {
  return async (token) => {
    const holder = await holderOfToken(tools.github, token);
    return { key: `github:${holder.id}`, answer: (call) => answerCall(tools, holder, call) };
  };
}

async function answerCall(tools: AnswerCallTools, holder: TokenHolder, call: AnswerCall): Promise<AnsweredCall> {
  const { engine, runs } = tools;
  const row = await runs.find(call.run);
  const seen = row && (await holder.see(row.owner, row.repo));
  if (!row || seen?.id !== row.repositoryId) throw unknown(call);
  const { octokit, person } = await acquainted(tools, holder, row, seen).catch((error: unknown) => {
    throw isUninstalled(error) ? unknown(call) : error;
  });
  if (person.role === 'none') throw unknown(call);
  const repository = { id: row.repositoryId, installationId: row.installationId };
  await assertMayDo(engine, { repository, isPublic: seen.isPublic }, person, call.decision).catch(asAnswer);
  const { decision, reason } = call;
  const gate = await gateOf(await readRun(tools, row), call);
  const pull = row.pullNumber === null ? null : await fetchPull(octokit, seen, row.pullNumber);
  if (decision === 'approve') assertNewest(pull, row);
  const place = { owner: seen.owner, repo: seen.name };
  await giveAnswer({ engine, octokit, place, row, pull, person }, { gate, decision, reason });
  return answered(await readRun(tools, row), { gate, decision, person: person.login });
}

async function acquainted(
  { access, engine }: AnswerCallTools,
  holder: TokenHolder,
  { installationId, repositoryId }: GitHubRun,
  { owner, name: repo }: SeenRepository,
): Promise<{ readonly octokit: Octokit; readonly person: KnownPerson }> {
  const octokit = await access.installation(installationId);
  const data = await engine.policyData(repositoryNamespace(installationId, repositoryId));
  return { octokit, person: await personOf(octokit, { owner, repo }, holder, teamsOfRoles(data)) };
}

/** To callers of this kind, what policy says to people is about answers. */
function asAnswer(error: unknown): never {
  if (!isMaestroError(error, 'POLICY_DENIED')) throw error;
  throw new MaestroError('APPROVAL_NOT_ALLOWED', error.message, { cause: error });
}

async function readRun({ engine }: AnswerCallTools, row: GitHubRun): Promise<HeadRun> {
  const run = await engine.resolve(row.runId);
  return { row, run, view: await engine.readRun(run) };
}

/** @throws CONFLICT where another plan was looked at, GATE_NOT_OPEN */
async function gateOf(run: HeadRun, { gate, planDigest, decision }: AnswerCall): Promise<string | null> {
  const { id, planDigest: digest } = run.view;
  if (planDigest !== undefined && planDigest !== digest)
    throw new MaestroError('CONFLICT', `run ${id} has the plan ${digest}, not ${planDigest}: look at that one`);
  if (gate !== undefined) return gate;
  // An approval that is sent again, because its answer was lost, must not open the gate that waits by then.
  if (decision === 'approve') {
    const names = waitingGates([run]).map((one) => one.gate ?? 'null, which is the run itself');
    throw new MaestroError('GATE_NOT_OPEN', `an approval names its gate: ${names.join(', ') || 'none waits'}`);
  }
  return onlyWaiting([run]).gate;
}

function answered(
  run: HeadRun,
  { gate, decision, person }: Pick<AnsweredCall, 'gate' | 'decision' | 'person'>,
): AnsweredCall {
  const { id, planDigest, status } = run.view;
  const isWaiting = waitingGates([run]).some((one) => one.gate === gate);
  return { run: id, gate, decision, person, planDigest, status, isWaiting };
}

function unknown({ run }: AnswerCall): MaestroError {
  return new MaestroError('RUN_NOT_FOUND', `no run ${run} is known where you may look`);
}
