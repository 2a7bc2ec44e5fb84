import { approvalSubject } from './approval-subject.ts';
import { hasRun } from './check-steps.ts';
import type { ApprovalFact, StepFact } from './facts.ts';
import type { ReceiptPredicate } from './receipt.ts';
import { type DecisionRecord, decisionResultDigest } from './run-record.ts';
import { demand, VerificationError } from './verification-error.ts';

/** Obligations of a decision that the receipt itself can prove. */
const OBLIGATION_APPROVALS = 'approvals';
const OBLIGATION_OTHER_APPROVER = 'approver-is-not-actor';

/** Whatever ran, policy let it run, and where policy asked, people answered for exactly what ran. */
export function checkPolicy(predicate: ReceiptPredicate): void {
  const decisions = indexById(predicate.policy, 'POLICY_MISMATCH');
  const approvals = indexById(predicate.approvals, 'APPROVAL_INVALID');
  const book: Book = {
    predicate,
    decisions,
    approvals,
    answers: Map.groupBy(predicate.approvals, (approval) => approval.gate),
    steps: new Map(predicate.steps.map((step) => [step.id, step])),
  };
  predicate.policy.forEach(checkResult);
  for (const approval of predicate.approvals) checkApproval(approval, book);
  for (const decision of predicate.policy) checkOverride(decision, book);
  checkRun(book);
  for (const step of predicate.steps) checkStep(step, book);
}

interface Book {
  readonly predicate: ReceiptPredicate;
  readonly decisions: ReadonlyMap<string, DecisionRecord>;
  readonly approvals: ReadonlyMap<string, ApprovalFact>;
  readonly answers: ReadonlyMap<string | null, readonly ApprovalFact[]>;
  readonly steps: ReadonlyMap<string, StepFact>;
}

function indexById<T extends { readonly id: string }>(
  items: readonly T[],
  code: 'POLICY_MISMATCH' | 'APPROVAL_INVALID',
): Map<string, T> {
  const index = new Map(items.map((item) => [item.id, item]));
  demand(index.size === items.length, code, 'two entries have the same id');
  return index;
}

function checkResult(decision: DecisionRecord): void {
  const isTrue = decision.result.digest === decisionResultDigest(decision);
  demand(isTrue, 'POLICY_MISMATCH', `decision ${decision.id} does not have the digest of its result`);
}

/** An approval counts for what was seen: this run, this plan, this commit, these artifacts. */
function checkApproval(approval: ApprovalFact, { predicate, steps }: Book): void {
  const step = approval.gate === null ? undefined : steps.get(approval.gate);
  demand(
    approval.gate === null || step !== undefined,
    'APPROVAL_INVALID',
    `approval ${approval.id} is for no step of this run`,
  );
  const expected = approvalSubject({
    runId: predicate.run.id,
    gate: approval.gate,
    planDigest: predicate.plan.digest,
    gitCommit: predicate.run.source.gitCommit,
    artifactDigests: (step?.needs ?? []).flatMap((id) => steps.get(id)?.outputs.map((output) => output.digest) ?? []),
  });
  demand(
    approval.subjectDigest === expected,
    'APPROVAL_INVALID',
    `approval ${approval.id} was given for something else`,
  );
}

function checkOverride({ id, override }: DecisionRecord, { approvals }: Book): void {
  if (override === null) return;
  const isApproved = approvals.get(override.approvalId)?.decision === 'approve';
  demand(isApproved, 'APPROVAL_INVALID', `decision ${id} was overridden without an approval`);
}

function checkRun(book: Book): void {
  const { run, steps } = book.predicate;
  const decision = decisionOf(run.decisionId, 'run', 'the run', book);
  if (run.status !== 'rejected' && steps.some(hasRun)) checkPermission(decision, null, 'the run', book);
  else if (run.status !== 'rejected' && run.status !== 'cancelled') {
    demand(
      decision.decision !== 'deny' || decision.override !== null,
      'POLICY_MISMATCH',
      'policy denied the run, but it was not rejected',
    );
  }
}

function checkStep(step: StepFact, book: Book): void {
  const what = `step ${step.id}`;
  const decision = step.decisionId === null ? undefined : decisionOf(step.decisionId, 'step', what, book);
  // A step that was tried and denied when policy was asked again before a retry names that last answer.
  if (!hasRun(step) || step.status === 'denied') return;
  demand(decision !== undefined, 'POLICY_MISMATCH', `${what} ran without a decision`);
  checkPermission(decision, step.id, what, book);
  if (step.kind === 'gate') checkAnswers(decision, step.id, 1, what, book);
}

function decisionOf(id: string, phase: DecisionRecord['phase'], what: string, { decisions }: Book): DecisionRecord {
  const decision = decisions.get(id);
  if (decision?.phase === phase) return decision;
  throw new VerificationError('POLICY_MISMATCH', `${what} names decision ${id}, which is no decision about a ${phase}`);
}

function checkPermission(decision: DecisionRecord, gate: string | null, what: string, book: Book): void {
  if (decision.decision === 'deny') {
    const approval = decision.override && book.approvals.get(decision.override.approvalId);
    demand(approval?.gate === gate, 'POLICY_MISMATCH', `${what} ran although policy denied it`);
  }
  checkAnswers(decision, gate, decision.decision === 'ask' ? 1 : 0, what, book);
}

/** Enough different people approved, none denied, and none approved their own wish where that is forbidden. */
function checkAnswers(decision: DecisionRecord, gate: string | null, least: number, what: string, book: Book): void {
  const answers = book.answers.get(gate) ?? [];
  const approvers = new Set(answers.map(({ approver }) => JSON.stringify([approver.provider, approver.id])));
  const needed = Math.max(least, approvalsOf(decision));
  const isDenied = needed > 0 && answers.some((answer) => answer.decision === 'deny');
  demand(!isDenied, 'APPROVAL_INVALID', `${what} ran although it was not approved`);
  demand(!(approvers.size < needed), 'APPROVAL_INVALID', `${what} ran with ${approvers.size} of ${needed} approvals`);
  if (obligation(decision, OBLIGATION_OTHER_APPROVER) !== true) return;
  const { provider, id } = book.predicate.run.trigger.actor;
  demand(
    !approvers.has(JSON.stringify([provider, id])),
    'APPROVAL_INVALID',
    `${what} was approved by whoever asked for the run`,
  );
}

function approvalsOf(decision: DecisionRecord): number {
  const count = obligation(decision, OBLIGATION_APPROVALS) ?? 0;
  const isCount = typeof count === 'number' && Number.isSafeInteger(count) && count >= 0;
  demand(
    isCount,
    'POLICY_MISMATCH',
    `decision ${decision.id} obliges to ${count} approvals, which is no number of them`,
  );
  return count;
}

function obligation(decision: DecisionRecord, type: string): string | number | boolean | undefined {
  return decision.obligations.find((duty) => duty.type === type)?.value;
}
