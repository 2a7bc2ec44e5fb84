import type { Digest } from '../base/digest.ts';
import { isPromoteGate } from '../pipeline/gate-kinds.ts';
import { type ApprovalSubject, approvalSubject, approvalSubject1 } from './approval-subject.ts';
import type { ApprovalFact } from './facts.ts';
import { type Answer, decisionOf, obligationsOf, type PolicyBook } from './policy-book.ts';
import type { ApprovalRecord1, DecisionRecord } from './run-record.ts';
import { demand } from './verification-error.ts';

/** Obligations of a decision that the receipt itself can prove. */
const OBLIGATION_APPROVALS = 'approvals';
const OBLIGATION_NOT_ACTOR = 'approver-is-not-actor';
const OBLIGATION_NOT_AUTHOR = 'approver-is-not-author';

/** An approval counts for what was seen: this run, this plan, this commit, this environment, these artifacts. */
export function checkApprovals(book: PolicyBook): void {
  const { predicate } = book;
  if (predicate.schemaVersion === '1') {
    for (const approval of predicate.approvals) checkSeen(approval, approvalSubject1, null, book);
    return;
  }
  for (const approval of predicate.approvals) {
    checkSeen(approval, approvalSubject, environmentOf(approval.gate, book), book);
    checkAnswer(approval, book);
  }
}

function checkSeen(
  { id, gate, subjectDigest }: ApprovalRecord1,
  digestOf: (subject: ApprovalSubject) => Digest,
  environment: string | null,
  book: PolicyBook,
): void {
  const { run, plan } = book.predicate;
  demand(gate === null || book.steps.has(gate), 'APPROVAL_INVALID', `approval ${id} is for no step of this run`);
  const artifactDigests = artifactsSeen(gate, book);
  if (artifactDigests === undefined) return;
  const { gitCommit } = run.source;
  const expected = digestOf({ runId: run.id, gate, environment, planDigest: plan.digest, gitCommit, artifactDigests });
  demand(subjectDigest === expected, 'APPROVAL_INVALID', `approval ${id} was given for something else`);
}

/** Undefined for a `gate.promote` that did not pass: what it would have promoted stands nowhere, and nothing came of it. */
function artifactsSeen(gate: string | null, { steps, promotions }: PolicyBook): readonly Digest[] | undefined {
  const step = gate === null ? undefined : steps.get(gate);
  if (step && isPromoteGate(step)) return promotions.get(step.id)?.artifacts;
  return (step?.needs ?? []).flatMap((id) => steps.get(id)?.outputs.map((output) => output.digest) ?? []);
}

function environmentOf(gate: string | null, { environments }: PolicyBook): string | null {
  return (gate === null ? undefined : environments.get(gate)) ?? null;
}

function checkAnswer(approval: ApprovalFact, book: PolicyBook): void {
  const { id, gate, environment, approver, decision, at, revokedAt, decisionId } = approval;
  const valid = (claim: boolean, message: string): void =>
    demand(claim, 'APPROVAL_INVALID', () => `approval ${id} ${message}`);
  valid(environment === environmentOf(gate, book), 'is for another environment than its step');
  valid(approver.provider !== 'local' || approver.account === approver.id, 'is of a local user of two names');
  valid(revokedAt === null || decision === 'approve', 'denies, and a denial cannot be taken back');
  valid(revokedAt === null || Date.parse(revokedAt) >= Date.parse(at), 'was taken back before it was given');
  if (decisionId !== null) decisionOf(decisionId, 'approval', `approval ${id}`, book);
}

/**
 * Enough different people approved, and none denied. Where policy wants somebody else than who asked for the run, or than an
 * author, those do not count. Who an author is does not stand in a receipt: the decision about an approval has looked at it.
 * @param least how many approvals it takes whatever the decision obliges to
 */
export function checkAnswers(
  decision: DecisionRecord,
  gate: string | null,
  least: number,
  what: string,
  book: PolicyBook,
): void {
  if (isRollback(gate, book)) return;
  const answers = book.answersTo.get(gate) ?? [];
  const people = new Set(answers.filter((answer) => mayCount(answer, decision)).map(({ person }) => person));
  const needed = Math.max(least, approvalsOf(decision));
  // Whether what was approved, and lost by its worker, runs once more is another question: who says no to that fails the step.
  const hasFailed = gate !== null && book.steps.get(gate)?.status === 'failed';
  const isDenied = needed > 0 && !hasFailed && answers.some((answer) => answer.decision === 'deny');
  demand(!isDenied, 'APPROVAL_INVALID', `${what} ran although it was not approved`);
  demand(people.size >= needed, 'APPROVAL_INVALID', `${what} ran with ${people.size} of ${needed} approvals`);
}

function mayCount({ counts, isActor, isJudged }: Answer, decision: DecisionRecord): boolean {
  const isForbidden = (type: string): boolean => obligationsOf(decision, type).includes(true);
  if (isActor && isForbidden(OBLIGATION_NOT_ACTOR)) return false;
  return counts && (isJudged || !isForbidden(OBLIGATION_NOT_AUTHOR));
}

/** What was in an environment before may go back there at any time, and nobody has to agree. */
export function isRollback(gate: string | null, { promotions }: PolicyBook): boolean {
  return gate !== null && promotions.get(gate)?.isRollback === true;
}

function approvalsOf(decision: DecisionRecord): number {
  const counts = obligationsOf(decision, OBLIGATION_APPROVALS).map((count) => {
    const isCount = typeof count === 'number' && Number.isSafeInteger(count) && count >= 0;
    demand(
      isCount,
      'POLICY_MISMATCH',
      `decision ${decision.id} obliges to ${count} approvals, which is no number of them`,
    );
    return count;
  });
  return Math.max(0, ...counts);
}
