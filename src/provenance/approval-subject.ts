import { type Digest, digestJson } from '../base/digest.ts';

/** What an approver saw. If any of it changes, the approval is void. */
export interface ApprovalSubject {
  readonly runId: string;
  /** The step that waited; null for the run as a whole. */
  readonly gate: string | null;
  /** Where the step acts, or what a promotion goes to; null where neither says, and for the run as a whole. */
  readonly environment: string | null;
  readonly planDigest: Digest;
  readonly gitCommit: string | null;
  /**
   * For a `gate.promote`, what it promotes; for every other step, the artifacts of those that it directly needs. Order and
   * repeats do not matter.
   */
  readonly artifactDigests: readonly Digest[];
}

/** The digest that an approval is bound to. The engine stores it with the answer; the verifier computes it again. */
export function approvalSubject(subject: ApprovalSubject): Digest {
  return digestJson({ ...fieldsOf(subject), environment: subject.environment });
}

/** The same in receipts of version 1, which knew no environments. */
export function approvalSubject1(subject: Omit<ApprovalSubject, 'environment'>): Digest {
  return digestJson(fieldsOf(subject));
}

function fieldsOf({ runId, gate, planDigest, gitCommit, artifactDigests }: Omit<ApprovalSubject, 'environment'>) {
  return { runId, gate, planDigest, gitCommit, artifactDigests: [...new Set(artifactDigests)].sort() };
}
