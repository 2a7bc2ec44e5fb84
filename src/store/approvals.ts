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
  /** The login at that time. */
  readonly principal: string;
  /** Stays when the login is given to somebody else. */
  readonly account: string;
  readonly reason: string;
  readonly subjectDigest: Digest;
  readonly environment: string | null;
  /** The decision that let it count; null where it was given before policy was asked about answers. */
  readonly decisionId: number | null;
  readonly at: Date;
  /** Taken back before it was used. */
  readonly revokedAt: Date | null;
}

/**
 * One answer of one person to one hold. A second one of the same person is dropped, but who approved may still deny, and who
 * took an approval back may give it again.
 */
export async function addApproval(
  session: Session,
  approval: Omit<Approval, 'id' | 'at' | 'revokedAt'>,
): Promise<void> {
  await session.query(
    'approval_add',
    `insert into approval
       (run_id, idx, generation, decision, provider, principal, account, reason, subject_digest, environment, decision_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (run_id, idx, generation, provider, account) do update
       set decision = excluded.decision, principal = excluded.principal, reason = excluded.reason,
         subject_digest = excluded.subject_digest, environment = excluded.environment, decision_id = excluded.decision_id,
         at = now(), revoked_at = null
       where approval.decision = 'approve' and (excluded.decision = 'deny' or approval.revoked_at is not null)`,
    [
      approval.run,
      approval.idx,
      approval.generation,
      approval.decision,
      approval.provider,
      plainText(approval.principal),
      plainText(approval.account),
      plainText(approval.reason),
      approval.subjectDigest,
      approval.environment === null ? null : plainText(approval.environment),
      approval.decisionId,
    ],
  );
}

/** Takes back what a person approved; false where there is nothing of theirs. */
export async function revokeApproval(
  session: Session,
  place: Pick<Approval, 'run' | 'idx' | 'generation' | 'provider' | 'account'>,
): Promise<boolean> {
  const rows = await session.query(
    'approval_revoke',
    `update approval set revoked_at = now()
     where run_id = $1 and idx = $2 and generation = $3 and provider = $4 and account = $5
       and decision = 'approve' and revoked_at is null
     returning id`,
    [place.run, place.idx, place.generation, place.provider, plainText(place.account)],
  );
  return rows.length > 0;
}

export async function loadApprovals(session: Session, runs: readonly number[]): Promise<readonly Approval[]> {
  const rows = await session.query(
    'approvals_load',
    `select id, run_id, idx, generation, decision, provider, principal, account, reason, subject_digest, environment,
       decision_id, at, revoked_at
     from approval where run_id = any ($1::bigint[]) order by id`,
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
    account: String(row[7]),
    reason: String(row[8]),
    subjectDigest: row[9] as Digest,
    environment: (row[10] ?? null) as string | null,
    decisionId: row[11] === null ? null : Number(row[11]),
    at: row[12] as Date,
    revokedAt: (row[13] ?? null) as Date | null,
  }));
}

/** How many people agree, and who does not. */
export function tally(answers: readonly Approval[]): {
  readonly approvals: number;
  readonly denial: Approval | undefined;
} {
  return {
    approvals: answers.filter(({ decision, revokedAt }) => decision === 'approve' && revokedAt === null).length,
    denial: answers.find(({ decision }) => decision === 'deny'),
  };
}
