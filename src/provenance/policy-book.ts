import type { ApprovalFact, PromotionFact, RunFacts, SecretFact } from './facts.ts';
import type { ReceiptPredicate } from './receipt.ts';
import type { ApprovalRecord1, DecisionRecord, RunRecord1, StepRecord1 } from './run-record.ts';
import { demand, type VerificationCode, VerificationError } from './verification-error.ts';

/** What a receipt says of policy, by the names under which its checks look for it. */
export interface PolicyBook {
  readonly predicate: ReceiptPredicate;
  readonly steps: ReadonlyMap<string, StepRecord1>;
  /** By step. Version 1 knew none. */
  readonly environments: ReadonlyMap<string, string | null>;
  readonly decisions: ReadonlyMap<string, DecisionRecord>;
  readonly answers: ReadonlyMap<string, Answer>;
  /** By the step that waited; null for the run as a whole. */
  readonly answersTo: ReadonlyMap<string | null, readonly Answer[]>;
  /** By gate. Version 1 knew none. */
  readonly promotions: ReadonlyMap<string, PromotionFact>;
  /** By step. Version 1 knew none. */
  readonly secrets: ReadonlyMap<string, SecretFact>;
}

/** What a person answered, as far as checks ask, in the words of no version. */
export interface Answer {
  readonly id: string;
  readonly gate: string | null;
  readonly decision: 'approve' | 'deny';
  /** Equal where it is the same person. */
  readonly person: string;
  /** They asked for the run. */
  readonly isActor: boolean;
  /** Policy was asked whether they may answer: version 1 does not say. */
  readonly isJudged: boolean;
  /** It is an approval which policy let count, and which nobody took back. */
  readonly counts: boolean;
}

export function openPolicyBook(predicate: ReceiptPredicate): PolicyBook {
  const { promotions, secrets } = predicate.schemaVersion === '1' ? NOTHING : predicate;
  const placed = predicate.schemaVersion === '1' ? [] : predicate.steps;
  const decisions = index(predicate.policy, ({ id }) => id, 'POLICY_MISMATCH', 'decisions');
  const answers = index(answersIn(predicate, decisions), ({ id }) => id, 'APPROVAL_INVALID', 'approvals');
  return {
    predicate,
    steps: new Map(predicate.steps.map((step) => [step.id, step])),
    environments: new Map(placed.map(({ id, environment }) => [id, environment])),
    decisions,
    answers,
    answersTo: Map.groupBy(answers.values(), ({ gate }) => gate),
    promotions: index(promotions, ({ gate }) => gate, 'PROMOTION_INVALID', 'promotions'),
    secrets: index(secrets, ({ stepId }) => stepId, 'SECRET_INVALID', 'releases of secrets'),
  };
}

const NOTHING = { promotions: [], secrets: [] };

function index<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  code: VerificationCode,
  what: string,
): ReadonlyMap<string, T> {
  const found = new Map(items.map((item) => [nameOf(item), item]));
  demand(found.size === items.length, code, `two ${what} have the same name`);
  return found;
}

function answersIn(predicate: ReceiptPredicate, decisions: PolicyBook['decisions']): readonly Answer[] {
  const { schemaVersion } = predicate;
  if (schemaVersion === '1') return predicate.approvals.map((one) => answer1(one, predicate.run.trigger.actor));
  return predicate.approvals.map((one) => answer(one, predicate.run.trigger.actor, decisions));
}

function answer(
  { id, gate, decision, approver, revokedAt, decisionId }: ApprovalFact,
  actor: RunFacts['run']['trigger']['actor'],
  decisions: PolicyBook['decisions'],
): Answer {
  const { provider, account } = approver;
  const isAllowed = decisionId !== null && decisions.get(decisionId)?.decision === 'allow';
  return {
    id,
    gate,
    decision,
    person: JSON.stringify([provider, account]),
    isActor: provider === actor.provider && isSamePerson(approver, actor),
    isJudged: decisionId !== null,
    counts: decision === 'approve' && revokedAt === null && isAllowed,
  };
}

/** Logins differ in more than case, and an account tells more than a login. */
function isSamePerson(approver: ApprovalFact['approver'], actor: { id: string; account: string | null }): boolean {
  if (actor.account !== null) return approver.account === actor.account;
  return approver.id.toLowerCase() === actor.id.toLowerCase();
}

function answer1(
  { id, gate, decision, approver }: ApprovalRecord1,
  actor: RunRecord1['run']['trigger']['actor'],
): Answer {
  return {
    id,
    gate,
    decision,
    person: JSON.stringify([approver.provider, approver.id]),
    isActor: approver.provider === actor.provider && approver.id === actor.id,
    isJudged: false,
    counts: decision === 'approve',
  };
}

/** The decision that something names, which must be about such a thing. */
export function decisionOf(
  id: string,
  phase: DecisionRecord['phase'],
  what: string,
  { decisions }: PolicyBook,
): DecisionRecord {
  const decision = decisions.get(id);
  if (decision?.phase === phase) return decision;
  throw new VerificationError('POLICY_MISMATCH', `${what} names decision ${id}, which is none of phase ${phase}`);
}

/** What a decision obliges to: several packs may want the same. */
export function obligationsOf(decision: DecisionRecord, type: string): readonly (string | number | boolean)[] {
  return decision.obligations.flatMap((duty) => (duty.type === type ? [duty.value] : []));
}
