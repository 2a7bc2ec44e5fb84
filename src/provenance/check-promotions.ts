import { isPromoteGate } from '../pipeline/gate-kinds.ts';
import { checkAnswers, isRollback } from './check-approvals.ts';
import { hasRun } from './check-steps.ts';
import type { PromotionFact } from './facts.ts';
import { decisionOf, obligationsOf, type PolicyBook } from './policy-book.ts';
import type { DecisionRecord, StepRecord1 } from './run-record.ts';
import { demand } from './verification-error.ts';

/** It may not happen yet. */
const OBLIGATION_HOLD = 'hold';

/** Whatever was promoted, policy let it pass, and whatever let something pass says what. */
export function checkPromotions(book: PolicyBook): void {
  for (const step of book.predicate.steps) {
    const isMissing = isPromoteGate(step) && isPassed(step) && !book.promotions.has(step.id);
    demand(!isMissing, 'PROMOTION_INVALID', `step ${step.id} let something pass, and the receipt does not say what`);
  }
  for (const promotion of book.promotions.values()) checkPromotion(promotion, book);
}

/** In this run: what a retry carries over was promoted by the run before. */
function isPassed(step: StepRecord1): boolean {
  return step.status === 'succeeded' && hasRun(step);
}

function checkPromotion(promotion: PromotionFact, book: PolicyBook): void {
  const { gate, environment, artifacts, commit, decisionId } = promotion;
  const { gitCommit } = book.predicate.run.source;
  const what = `the promotion of gate ${gate}`;
  const valid = (claim: boolean, message: string): void =>
    demand(claim, 'PROMOTION_INVALID', () => `${what} ${message}`);
  const step = book.steps.get(gate);
  valid(step !== undefined && step.kind === 'gate' && isPromoteGate(step), 'is of no step that promotes');
  valid(step !== undefined && isPassed(step), 'is of a step that let nothing pass in this run');
  valid(environment === book.environments.get(gate), 'went to another environment than its step');
  valid(commit === null || commit === gitCommit, 'is of another commit than the run');
  valid(commit !== null || artifacts.length > 0, 'is of nothing');
  valid(new Set(artifacts).size === artifacts.length, 'names an artifact twice');
  checkPassage(decisionOf(decisionId, 'promotion', what, book), gate, what, book);
}

/** No person lets pass what policy forbids to promote, and nothing passes before its time but what goes back. */
export function checkPassage(decision: DecisionRecord, gate: string, what: string, book: PolicyBook): void {
  const { id } = decision;
  demand(decision.decision !== 'deny', 'POLICY_MISMATCH', `${what} passed although decision ${id} denied it`);
  const isHeld = obligationsOf(decision, OBLIGATION_HOLD).length > 0 && !isRollback(gate, book);
  demand(!isHeld, 'POLICY_MISMATCH', `${what} passed although decision ${id} held it`);
  checkAnswers(decision, gate, decision.decision === 'ask' ? 1 : 0, what, book);
}
