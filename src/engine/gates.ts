import type { Digest } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Principal } from '../base/principal.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import type { GateAnswer } from '../protocol/client.ts';
import { approvalSubject } from '../provenance/approval-subject.ts';
import { type Approval, addApproval, loadApprovals } from '../store/approvals.ts';
import type { Session } from '../store/database.ts';
import { heldAt } from '../store/events.ts';
import { WHOLE_RUN } from '../store/timers.ts';
import { beginRun } from './begin-run.ts';
import { stepAt } from './compiled-plan.ts';
import { isConsentWanted } from './consent.ts';
import { readNote } from './outcome-note.ts';
import { answerBytes } from './receipt-room.ts';
import type { RunWork } from './run-work.ts';
import { ANSWER_BYTES_MAX } from './worker-limits.ts';

interface Named {
  readonly provider: string;
  readonly id: string;
}

export interface GateAnswerAsk {
  readonly type: 'answer';
  readonly answer: Omit<GateAnswer, 'runId'>;
}

/**
 * Takes a person's answer to the hold that waits for one, and opens or closes it where that decides it.
 * @throws GATE_NOT_OPEN, STEP_NOT_FOUND, APPROVAL_NOT_ALLOWED, TOO_MANY_ANSWERS, CONFLICT where the wait began after what the
 * answer is to
 */
export async function takeAnswer(session: Session, work: RunWork, { answer }: GateAnswerAsk): Promise<boolean> {
  const gate = await gateMeant(session, work, answer);
  if (gate === null) return answerForRun(session, work, answer);
  const idx = waitingGate(work, gate);
  const step = stepAt(work.entry.compiled, idx);
  const generation = work.state.steps[idx]?.generation ?? 0;
  assertMayAnswer(work, step, answer);
  assertSeen(answer, await heldAt(session, work.row.id, idx), `gate ${step.id}`);
  const answers = await addAnswer(session, work, answer, { idx, generation, subjectDigest: subjectOf(work, step) });
  const given = answers.filter((one) => one.idx === idx && one.generation === generation);
  return decide(work, idx, generation, step, given);
}

/** Null for the run itself. */
async function gateMeant(
  session: Session,
  work: RunWork,
  { gate }: GateAnswerAsk['answer'],
): Promise<string | undefined | null> {
  if (typeof gate === 'string') return gate;
  if (await waitsForConsent(session, work)) return null;
  if (gate === null) throw new MaestroError('GATE_NOT_OPEN', `run ${work.row.key} does not wait for consent`);
  return undefined;
}

/** Whether policy asked about the run itself and nobody has let it begin. */
export function waitsForConsent(session: Session, work: RunWork): Promise<boolean> {
  return isConsentWanted(session, { ...work.row, status: work.state.status });
}

async function answerForRun(session: Session, work: RunWork, answer: GateAnswerAsk['answer']): Promise<boolean> {
  assertSeen(answer, work.row.createdAt, `run ${work.row.key}`);
  const subjectDigest = approvalSubject({
    runId: work.row.key,
    gate: null,
    planDigest: work.entry.compiled.digest,
    gitCommit: work.row.trigger.source.gitCommit,
    artifactDigests: [],
  });
  await addAnswer(session, work, answer, { idx: WHOLE_RUN, generation: 0, subjectDigest });
  const { principal, decision, reason } = answer;
  if (decision === 'deny')
    return work.apply({
      type: 'cancel-requested',
      reason: `denied by ${principal.login}: ${reason || 'no reason given'}`,
    });
  // In a group it begins when it is its turn, which the group's lock decides.
  return work.row.concurrencyGroup === null ? beginRun(session, work) : true;
}

/**
 * Adds an answer to those of the run, which are returned. They have a place of their own in its receipt: steps that are lost
 * and asked about again and again would fill it otherwise.
 * @throws TOO_MANY_ANSWERS
 */
async function addAnswer(
  session: Session,
  work: RunWork,
  { principal, decision, reason }: GateAnswerAsk['answer'],
  place: Pick<Approval, 'idx' | 'generation' | 'subjectDigest'>,
): Promise<readonly Approval[]> {
  const run = work.row.id;
  await addApproval(session, {
    run,
    ...place,
    decision: decision === 'revoke' ? 'deny' : decision,
    provider: principal.provider,
    principal: principal.login,
    reason,
  });
  const answers = await loadApprovals(session, [run]);
  const bytes = answerBytes(answers, work.entry.compiled);
  if (bytes > ANSWER_BYTES_MAX)
    throw new MaestroError(
      'TOO_MANY_ANSWERS',
      `the receipt of run ${work.row.key} has room for answers of people up to ${ANSWER_BYTES_MAX} bytes, and with this one they take ${bytes}: cancel the run, and start a new one`,
    );
  work.tell({
    run,
    idx: place.idx === WHOLE_RUN ? null : place.idx,
    type: 'approval.answered',
    attempt: null,
    data: { decision, reason, principal: `${principal.provider}:${principal.login}` },
  });
  return answers;
}

function decide(work: RunWork, idx: number, generation: number, step: PlanStep, given: readonly Approval[]): boolean {
  const denial = given.find((one) => one.decision === 'deny');
  if (denial)
    return work.apply({
      type: 'hold-denied',
      idx,
      generation,
      reason: `denied by ${denial.principal}: ${denial.reason || 'no reason given'}`,
    });
  if (given.length < approvalsNeeded(step)) return true;
  if (work.state.steps[idx]?.hold === 'gate') return work.apply({ type: 'hold-passed', idx, generation });
  work.approved.add(idx);
  work.toAdmit.add(idx);
  return true;
}

function waitingGate(work: RunWork, gate: string | undefined): number {
  const waiting = work.state.steps.flatMap((step, idx) =>
    step.status === 'held' && asksPeople(step.hold) ? [idx] : [],
  );
  const idOf = (idx: number): string => stepAt(work.entry.compiled, idx).id;
  if (gate !== undefined) {
    const idx = waiting.find((one) => idOf(one) === gate);
    if (idx !== undefined) return idx;
    const isKnown = work.entry.compiled.indexById.has(gate);
    throw isKnown
      ? new MaestroError('GATE_NOT_OPEN', `step ${gate} of run ${work.row.key} does not wait for an answer`)
      : new MaestroError('STEP_NOT_FOUND', `run ${work.row.key} has no step ${gate}`);
  }
  const [only, ...others] = waiting;
  if (only !== undefined && others.length === 0) return only;
  throw new MaestroError(
    'GATE_NOT_OPEN',
    only === undefined
      ? `run ${work.row.key} waits for nobody`
      : `expected --gate with one of ${waiting.map(idOf).join(', ')}: more than one waits`,
  );
}

function asksPeople(hold: string | null): boolean {
  return hold === 'gate' || hold === 'ask' || hold === 'unknown-outcome';
}

function assertSeen({ decision, begunBefore }: GateAnswerAsk['answer'], began: Date | undefined, what: string): void {
  if (decision !== 'approve' || begunBefore === undefined || began === undefined) return;
  if (began.getTime() >= Date.parse(begunBefore))
    throw new MaestroError(
      'CONFLICT',
      `${what} began to wait after that was written: look at it, then approve it anew`,
    );
}

/** Whoever started the run may not approve, but may always deny. */
function assertMayAnswer(work: RunWork, step: PlanStep, answer: GateAnswerAsk['answer']): void {
  if (step.kind !== 'gate') return;
  const { actor } = work.row.trigger;
  if (step.with['not-author'] === true && answer.decision === 'approve' && isSame(actor, named(answer.principal))) {
    throw new MaestroError(
      'APPROVAL_NOT_ALLOWED',
      `gate ${step.id} wants somebody other than ${actor.id}, who started the run`,
    );
  }
  const from = namesOf(step.with.from);
  if (
    from.length > 0 &&
    !from.some((id) => isSame({ provider: answer.principal.provider, id }, named(answer.principal)))
  ) {
    throw new MaestroError(
      'APPROVAL_NOT_ALLOWED',
      `gate ${step.id} takes answers of ${from.join(', ')}, not of ${answer.principal.login}`,
    );
  }
}

function named({ provider, login }: Principal): Named {
  return { provider, id: login };
}

/** GitHub's logins differ in more than case. */
function isSame(a: Named, b: Named): boolean {
  if (a.provider !== b.provider) return false;
  return a.provider === 'github' ? a.id.toLowerCase() === b.id.toLowerCase() : a.id === b.id;
}

function namesOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : [];
}

function approvalsNeeded(step: PlanStep): number {
  const wanted = step.kind === 'gate' ? step.with.approvals : undefined;
  return typeof wanted === 'number' ? Math.max(1, wanted) : 1;
}

/** What the approver saw: the plan, the commit, and what the steps before the gate made. */
function subjectOf(work: RunWork, step: PlanStep): Digest {
  const { compiled } = work.entry;
  const needs = step.needs.flatMap((id) => compiled.indexById.get(id) ?? []);
  const artifacts = needs.flatMap((need) => readNote(work.finished(need)?.outcome ?? {}).artifacts ?? []);
  return approvalSubject({
    runId: work.row.key,
    gate: step.id,
    planDigest: compiled.digest,
    gitCommit: work.row.trigger.source.gitCommit,
    artifactDigests: artifacts.map((artifact) => artifact.digest),
  });
}
