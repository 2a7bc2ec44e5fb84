import type { Digest } from '../base/digest.ts';
import { intArray } from './array-literal.ts';
import type { Session } from './database.ts';
import { plainText } from './json-text.ts';

export interface Approval {
  readonly id: number;
  readonly run: number;
  readonly idx: number;
  readonly generation: number;
  readonly decision: 'approve' | 'deny';
  readonly provider: string;
  readonly principal: string;
  readonly reason: string;
  readonly subjectDigest: Digest;
  readonly at: Date;
}

/** One answer of one person to one hold. A second one of the same person is dropped, but who approved may still deny. */
export async function addApproval(session: Session, approval: Omit<Approval, 'id' | 'at'>): Promise<void> {
  await session.query(
    'approval_add',
    `insert into approval (run_id, idx, generation, decision, provider, principal, reason, subject_digest)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (run_id, idx, generation, provider, principal) do update
       set decision = excluded.decision, reason = excluded.reason, subject_digest = excluded.subject_digest, at = now()
       where approval.decision = 'approve' and excluded.decision = 'deny'`,
    [
      approval.run,
      approval.idx,
      approval.generation,
      approval.decision,
      approval.provider,
      plainText(approval.principal),
      plainText(approval.reason),
      approval.subjectDigest,
    ],
  );
}

export async function loadApprovals(session: Session, runs: readonly number[]): Promise<readonly Approval[]> {
  const rows = await session.query(
    'approvals_load',
    'select id, run_id, idx, generation, decision, provider, principal, reason, subject_digest, at from approval where run_id = any ($1::bigint[]) order by id',
    [intArray(runs)],
  );
  return rows.map((row) => ({
    id: Number(row[0]),
    run: Number(row[1]),
    idx: Number(row[2]),
    generation: Number(row[3]),
    decision: row[4] as Approval['decision'],
    provider: String(row[5]),
    principal: String(row[6]),
    reason: String(row[7]),
    subjectDigest: row[8] as Digest,
    at: row[9] as Date,
  }));
}
