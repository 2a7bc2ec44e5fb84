import { isFreezeGate, isPromoteGate } from '../pipeline/gate-kinds.ts';
import { checkAnswers, checkApprovals } from './check-approvals.ts';
import { checkPassage, checkPromotions } from './check-promotions.ts';
import { checkSecrets } from './check-secrets.ts';
import { hasRun } from './check-steps.ts';
import { decisionOf, openPolicyBook, type PolicyBook } from './policy-book.ts';
import type { ReceiptPredicate } from './receipt.ts';
import { type DecisionRecord, decisionResultDigest, type StepRecord1 } from './run-record.ts';
import { demand } from './verification-error.ts';

/** Whatever ran, policy let it run, and where policy asked, people answered for exactly what ran. */
export function checkPolicy(predicate: ReceiptPredicate): void {
  const book = openPolicyBook(predicate);
  predicate.policy.forEach(checkResult);
  checkApprovals(book);
  for (const decision of predicate.policy) checkOverride(decision, book);
  checkRun(book);
  for (const step of predicate.steps) checkStep(step, book);
  checkPromotions(book);
  checkSecrets(book);
}

function checkResult(decision: DecisionRecord): void {
  const isTrue = decision.result.digest === decisionResultDigest(decision);
  demand(isTrue, 'POLICY_MISMATCH', `decision ${decision.id} does not have the digest of its result`);
}

function checkOverride({ id, override }: DecisionRecord, { answers }: PolicyBook): void {
  if (override === null) return;
  const isApproved = answers.get(override.approvalId)?.counts === true;
  demand(isApproved, 'APPROVAL_INVALID', `decision ${id} was overridden without an approval`);
}

function checkRun(book: PolicyBook): void {
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

function checkStep(step: StepRecord1, book: PolicyBook): void {
  const what = `step ${step.id}`;
  const decision = step.decisionId === null ? undefined : stepDecision(step.decisionId, step, what, book);
  // A step that was tried and denied when policy was asked again before a retry names that last answer.
  if (!hasRun(step) || step.status === 'denied') return;
  demand(decision !== undefined, 'POLICY_MISMATCH', `${what} ran without a decision`);
  checkPermission(decision, step.id, what, book);
  if (step.kind === 'gate') checkGate(step, decision, what, book);
}

function stepDecision(id: string, step: StepRecord1, what: string, book: PolicyBook): DecisionRecord {
  const later = book.decisions.get(id);
  return later && mayNameLater(step, later) ? later : decisionOf(id, 'step', what, book);
}

/**
 * A step names the decision about itself. Only what was denied may name the later one that did so, and `gate.freeze`, of
 * which nothing else tells, the one that let it pass.
 */
function mayNameLater(step: StepRecord1, { phase, decision }: DecisionRecord): boolean {
  const isRefused = decision === 'deny' && step.status === 'denied';
  if (phase === 'promotion') return isFreezeGate(step) || (isRefused && isPromoteGate(step));
  return phase === 'secret' && isRefused;
}

function checkPermission(decision: DecisionRecord, gate: string | null, what: string, book: PolicyBook): void {
  if (decision.decision === 'deny') {
    const approval = decision.override && book.answers.get(decision.override.approvalId);
    demand(approval?.gate === gate, 'POLICY_MISMATCH', `${what} ran although policy denied it`);
  }
  checkAnswers(decision, gate, decision.decision === 'ask' ? 1 : 0, what, book);
}

/** A gate that people open needs one of them at least. What else a promotion needs, `checkPromotions` asks. */
function checkGate(step: StepRecord1, decision: DecisionRecord, what: string, book: PolicyBook): void {
  if (isPromoteGate(step)) return;
  if (!isFreezeGate(step)) return checkAnswers(decision, step.id, 1, what, book);
  demand(decision.phase === 'promotion', 'POLICY_MISMATCH', `${what} passed, and nobody asked whether it is frozen`);
  checkPassage(decision, step.id, what, book);
}
