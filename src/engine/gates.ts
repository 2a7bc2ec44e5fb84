import { isoTime } from '../base/clock.ts';
import { MaestroError } from '../base/errors.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import type { Decision } from '../policy/decision.ts';
import type { ApprovalInput } from '../policy/input.ts';
import { policyFacts, policyStep } from '../policy/input-from-plan.ts';
import type { GateAnswer } from '../protocol/client.ts';
import { approvalSubject } from '../provenance/approval-subject.ts';
import { type Approval, addApproval, loadApprovals, revokeApproval, tally } from '../store/approvals.ts';
import type { Session } from '../store/database.ts';
import { saveDecisions } from '../store/decisions.ts';
import { heldAt } from '../store/events.ts';
import { WHOLE_RUN } from '../store/timers.ts';
import { beginRun } from './begin-run.ts';
import { stepAt } from './compiled-plan.ts';
import { hasConsent, isConsentWanted } from './consent.ts';
import { countableNow, isSame } from './countable.ts';
import { approvalsWanted } from './obligations.ts';
import { isPromotion } from './promotion-step.ts';
import { answerBytes } from './receipt-room.ts';
import type { RunWork } from './run-work.ts';
import { subjectOf, type WaitingGate, waitingGate } from './waiting-gate.ts';
import { ANSWER_BYTES_MAX } from './worker-limits.ts';

type Answer = Omit<GateAnswer, 'runId'>;

export interface GateAnswerAsk {
  readonly type: 'answer';
  readonly answer: Answer;
}

/**
 * Takes a person's answer to the hold that waits for one, and opens or closes it where that decides it.
 * @throws GATE_NOT_OPEN, STEP_NOT_FOUND, APPROVAL_NOT_ALLOWED, TOO_MANY_ANSWERS, CONFLICT where the wait began after what the
 * answer is to
 */
export async function takeAnswer(
  session: Session,
  work: RunWork,
  { answer }: GateAnswerAsk,
  nowMs: number,
): Promise<boolean> {
  const name = await gateMeant(session, work, answer);
  if (name === null) return answerForRun(session, work, answer, nowMs);
  const gate = waitingGate(work, indexOfWaiting(work, name));
  const { idx, generation } = gate;
  assertSeen(answer, await heldAt(session, work.row.id, idx), `gate ${gate.step.id}`);
  const place = { idx, generation, environment: gate.environment, subjectDigest: subjectOf(work, gate) };
  const answers = await record(session, work, answer, place, gate.step, nowMs);
  const given = answers.filter((one) => one.idx === idx && one.generation === generation);
  return decide(work, gate, await countableNow(session, work, given, [gate.asked.decision]));
}

/** Null for the run itself. */
async function gateMeant(session: Session, work: RunWork, { gate }: Answer): Promise<string | undefined | null> {
  if (typeof gate === 'string') return gate;
  if (await waitsForConsent(session, work)) return null;
  if (gate === null) throw new MaestroError('GATE_NOT_OPEN', `run ${work.row.key} does not wait for consent`);
  return undefined;
}

/** Whether policy asked about the run itself and not enough people have let it begin. */
export function waitsForConsent(session: Session, work: RunWork): Promise<boolean> {
  return isConsentWanted(session, { ...work.row, status: work.state.status });
}

async function answerForRun(session: Session, work: RunWork, answer: Answer, nowMs: number): Promise<boolean> {
  assertSeen(answer, work.row.createdAt, `run ${work.row.key}`);
  const subjectDigest = approvalSubject({
    runId: work.row.key,
    gate: null,
    environment: null,
    planDigest: work.entry.compiled.digest,
    gitCommit: work.row.trigger.source.gitCommit,
    artifactDigests: [],
  });
  const place = { idx: WHOLE_RUN, generation: 0, environment: null, subjectDigest };
  const answers = await record(session, work, answer, place, null, nowMs);
  const { denial } = tally(answers.filter(({ idx }) => idx === WHOLE_RUN));
  if (denial) return work.apply({ type: 'cancel-requested', reason: denialText(denial) });
  if (!(await hasConsent(session, work.row, answers))) return true;
  // In a group it begins when it is its turn, which the group's lock decides.
  return work.row.concurrencyGroup === null ? beginRun(session, work) : true;
}

type Place = Pick<Approval, 'idx' | 'generation' | 'subjectDigest' | 'environment'>;

/** Adds an answer that policy lets count, or takes one back. Answers all of the run. */
async function record(
  session: Session,
  work: RunWork,
  answer: Answer,
  place: Place,
  step: PlanStep | null,
  nowMs: number,
): Promise<readonly Approval[]> {
  const { principal, decision, reason } = answer;
  const run = work.row.id;
  const who = { provider: principal.provider, account: principal.account };
  if (decision === 'revoke') {
    if (!(await revokeApproval(session, { run, ...place, ...who })))
      throw new MaestroError(
        'APPROVAL_NOT_ALLOWED',
        `${principal.login} has approved nothing here that could be taken back`,
      );
  } else {
    assertNotRevoked(answer, place, who, await loadApprovals(session, [run]));
    const decisionId = await askWhetherItCounts(session, work, { ...answer, decision }, step, nowMs);
    const said = { principal: principal.login, decision, reason, decisionId };
    await addApproval(session, { run, ...place, ...who, ...said });
  }
  const answers = await loadApprovals(session, [run]);
  assertRoom(work, answers);
  work.tell({
    run,
    idx: place.idx === WHOLE_RUN ? null : place.idx,
    type: 'approval.answered',
    attempt: null,
    data: { decision, reason, principal: `${principal.provider}:${principal.login}` },
  });
  return answers;
}

/** Word that was written before its author took their approval back, and comes late, does not give it again. */
function assertNotRevoked(
  { decision, begunBefore }: Answer,
  { idx, generation }: Place,
  who: Pick<Approval, 'provider' | 'account'>,
  answers: readonly Approval[],
): void {
  const own = answers.find(
    (one) =>
      one.idx === idx && one.generation === generation && one.provider === who.provider && one.account === who.account,
  );
  if (decision !== 'approve' || begunBefore === undefined || !own?.revokedAt) return;
  if (Date.parse(begunBefore) <= own.revokedAt.getTime())
    throw new MaestroError('CONFLICT', `${own.principal} took this approval back after it was written`);
}

/**
 * Number of the decision by which the answer counts.
 * @throws APPROVAL_NOT_ALLOWED
 */
async function askWhetherItCounts(
  session: Session,
  work: RunWork,
  answer: Answer & { readonly decision: 'approve' | 'deny' },
  step: PlanStep | null,
  nowMs: number,
): Promise<number> {
  const { policy, packId } = work.pack;
  const { actor } = work.row.trigger;
  const { principal, decision: said, isAuthor } = answer;
  const input: ApprovalInput = {
    phase: 'approval',
    ...policyFacts(work.entry.compiled.plan, work.entry.trigger),
    step: step && policyStep(step, []),
    approval: { decision: said, person: principal, isActor: isSame(actor, principal), isAuthor, at: isoTime(nowMs) },
  };
  const decision = policy.evaluate(input);
  if (decision.verdict !== 'allow')
    throw new MaestroError('APPROVAL_NOT_ALLOWED', decision.reasons.join('; ') || 'policy does not let it count');
  const ids = await saveDecisions(session, packId, [{ decision, input: () => input }]);
  return ids.get(decision.inputDigest) ?? 0;
}

/** Answers have a place of their own in the receipt: steps that are lost and asked about again and again would fill it. */
function assertRoom(work: RunWork, answers: readonly Approval[]): void {
  const bytes = answerBytes(answers, work.entry.compiled);
  if (bytes > ANSWER_BYTES_MAX)
    throw new MaestroError(
      'TOO_MANY_ANSWERS',
      `the receipt of run ${work.row.key} has room for answers of people up to ${ANSWER_BYTES_MAX} bytes, and with this one they take ${bytes}: cancel the run, and start a new one`,
    );
}

function decide(work: RunWork, gate: WaitingGate, given: readonly Approval[]): boolean {
  const { idx, generation, step } = gate;
  const { approvals, denial } = tally(given);
  if (denial) return work.apply({ type: 'hold-denied', idx, generation, reason: denialText(denial) });
  const { hold } = work.state.steps[idx] ?? {};
  if (hold === 'gate' && isPromotion(step)) {
    // People are one thing of several that have to agree.
    work.promotions.add(idx);
    return true;
  }
  if (approvals < peopleWanted(gate.asked.decision, step)) return true;
  if (hold === 'gate') {
    work.ask(idx, gate.asked);
    return work.apply({ type: 'hold-passed', idx, generation });
  }
  work.approved.add(idx);
  work.toAdmit.add(idx);
  return true;
}

/** How many people have to agree: what the gate itself says, or more where policy wants more. */
export function peopleWanted(decision: Decision, step: PlanStep): number {
  const own = step.kind === 'gate' ? step.with.approvals : undefined;
  // Between environments people are asked where policy wants them.
  const least = isPromotion(step) && decision.verdict !== 'ask' ? 0 : 1;
  return Math.max(typeof own === 'number' ? own : least, least, approvalsWanted(decision));
}

function denialText({ principal, reason }: Approval): string {
  return `denied by ${principal}: ${reason || 'no reason given'}`;
}

function indexOfWaiting(work: RunWork, gate: string | undefined): number {
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

function assertSeen({ decision, begunBefore }: Answer, began: Date | undefined, what: string): void {
  if (decision !== 'approve' || begunBefore === undefined || began === undefined) return;
  if (began.getTime() >= Date.parse(begunBefore))
    throw new MaestroError(
      'CONFLICT',
      `${what} began to wait after that was written: look at it, then approve it anew`,
    );
}
