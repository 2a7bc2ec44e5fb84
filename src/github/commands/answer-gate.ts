import { isoTime } from '../../base/clock.ts';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import { safeText } from '../report/safe-text.ts';
import { type CommandContext, targetOf } from './command-context.ts';
import { giveAnswer } from './give-answer.ts';
import { headRuns } from './head-runs.ts';
import { chooseGate } from './waiting-gates.ts';

const SECOND_MS = 1000;
const DONE = { approve: 'approved', deny: 'denied', revoke: 'took back the approval of' };

type AnswerVerb = keyof typeof DONE;

/** `/maestro approve`, `/maestro deny` and `/maestro revoke`. */
export async function answerGate(
  context: CommandContext,
  decision: AnswerVerb,
  said: { readonly words: readonly string[]; readonly text: string },
): Promise<string> {
  const { tools, octokit, request, pull, person } = context;
  const { owner, name: repo } = request.repository;
  const { target, isAgain } = await targetOf(context, () => chosen(context, decision, said));
  const { gate, reason, runId, isNamed } = target;
  const row = await tools.runs.find(runId);
  if (!row) throw new MaestroError('RUN_NOT_FOUND', `run ${runId} is not known`);
  await giveAnswer(
    { engine: tools.engine, octokit, place: { owner, repo }, row, pull, person },
    { gate, decision, reason, begunBefore: lastSeen(request.createdAt, isNamed) },
  ).catch((error: unknown) => {
    // Answered before a crash: the gate does not wait any more.
    if (!(isAgain && isMaestroError(error, 'GATE_NOT_OPEN'))) throw error;
  });
  const what = gate === null ? 'the run' : `gate **${safeText(gate)}**`;
  const because = reason === '' ? '' : `: ${safeText(reason)}`;
  return `${safeText(person.login)} ${DONE[decision]} ${what} of \`${runId}\`${because}`;
}

/** @throws GATE_NOT_OPEN, CONFLICT */
async function chosen(
  { tools, request, pull }: CommandContext,
  decision: AnswerVerb,
  said: { readonly words: readonly string[]; readonly text: string },
): Promise<{
  readonly runId: string;
  readonly gate: string | null;
  readonly reason: string;
  readonly isNamed: boolean;
}> {
  const { reviewedSha } = request;
  const { waiting, reason, isNamed } = chooseGate(await headRuns(tools, request.repository.id, pull), said);
  if (decision === 'approve' && reviewedSha !== null && reviewedSha !== pull.headSha)
    throw new MaestroError(
      'CONFLICT',
      `the review is of ${reviewedSha}, and ${pull.headSha} is newer: look at that one, then approve it`,
    );
  return { runId: waiting.run.view.id, gate: waiting.gate, reason, isNamed };
}

/**
 * Consent is to what its author could see: what began to wait later, while they wrote or before a late delivery, wants to be
 * looked at. GitHub's times are whole seconds. Within that second a gate that was named may have been seen; one that was
 * not may be another than the one that waited when they wrote.
 */
function lastSeen(commentedAt: string, isNamed: boolean): string {
  return isoTime(Date.parse(commentedAt) + (isNamed ? SECOND_MS : 0));
}
