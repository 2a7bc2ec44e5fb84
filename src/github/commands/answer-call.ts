import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import type { AdmitPerson, AnswerCall, AnsweredCall } from '../../protocol/person-call.ts';
import { holderOfToken, type TokenHolder, type TokenHolders } from '../people/token-holder.ts';
import { assertNewest, giveAnswer } from './give-answer.ts';
import type { HeadRun } from './head-runs.ts';
import { assertMayDo } from './may-do.ts';
import { fetchPull } from './pull.ts';
import { seenRun } from './seen-run.ts';
import type { CommandTools } from './tools.ts';
import { onlyWaiting, waitingGates } from './waiting-gates.ts';

export interface AnswerCallTools extends Pick<CommandTools, 'access' | 'engine' | 'runs'> {
  readonly github: TokenHolders;
}

/**
 * Calls of people over HTTP. Their own token says who they are, and that they may read the repository; what they may do
 * there the installation asks, as it does for who writes a comment.
 */
export function openAnswerCalls(tools: AnswerCallTools): AdmitPerson {
  return async (token) => {
    const holder = await holderOfToken(tools.github, token);
    const numberOf = async (run: string): Promise<number> =>
      tools.engine.resolve((await seenRun(tools, holder, run)).row.runId);
    return {
      key: `github:${holder.id}`,
      answer: (call) => answerCall(tools, holder, call),
      readReleaseGate: async (run) => tools.engine.releases.readGate(await numberOf(run)),
      readManifest: async (run) => tools.engine.releases.readManifest(await numberOf(run)),
      // Data of policy and logs are for more than whoever may read the repository to decide.
      readDisclosure: async (run) => tools.engine.disclose(await numberOf(run), 'public'),
    };
  };
}

async function answerCall(tools: AnswerCallTools, holder: TokenHolder, call: AnswerCall): Promise<AnsweredCall> {
  const { engine } = tools;
  const { row, repository: seen, octokit, person } = await seenRun(tools, holder, call.run);
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
