import { type Digest, digestJson } from '../base/digest.ts';

/** What an approver saw. If any of it changes, the approval is void. */
export interface ApprovalSubject {
  readonly runId: string;
  /** The step that waited; null for the run as a whole. */
  readonly gate: string | null;
  readonly planDigest: Digest;
  readonly gitCommit: string | null;
  /** Digests of the artifacts of the steps that the gate directly needs; order and repeats do not matter. */
  readonly artifactDigests: readonly Digest[];
}

/** The digest that an approval is bound to. The engine stores it with the answer; the verifier computes it again. */
export function approvalSubject(subject: ApprovalSubject): Digest {
  return digestJson({
    runId: subject.runId,
    gate: subject.gate,
    planDigest: subject.planDigest,
    gitCommit: subject.gitCommit,
    artifactDigests: [...new Set(subject.artifactDigests)].sort(),
  });
}
