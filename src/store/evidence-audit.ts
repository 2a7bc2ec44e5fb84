import { textArray } from './array-literal.ts';
import { EVIDENCE_KINDS } from './codes.ts';
import type { Session } from './database.ts';

/** What the store itself knows of a run, for whoever holds the register against it. */
export interface KnownRun {
  readonly runId: string;
  /** Over for a while, and not in the register as closed. */
  readonly isOverdue: boolean;
  /** Of the stored receipt. */
  readonly payloadSha256: string | null;
}

/** Between the end of a run, its receipt and the register lie moments. What waits for longer is no excuse: the register stands still. */
const MOMENTS = `interval '1 minute'`;

/** By public ids; those that the store does not know are absent. */
export async function knownRuns(session: Session, runIds: readonly string[]): Promise<readonly KnownRun[]> {
  const rows = await session.query(
    'evidence_known',
    `select r.key, r.finished_at < now() - ${MOMENTS}
         and not exists (select 1 from evidence_leaf l where l.run_id = r.id and l.kind = ${EVIDENCE_KINDS.close}),
       c.payload_sha256
     from run r left join receipt c on c.run_id = r.id where r.key = any ($1::text[])`,
    [textArray(runIds)],
  );
  return rows.map(([runId, isOverdue, payloadSha256]) => ({
    runId: String(runId),
    isOverdue: isOverdue === true,
    payloadSha256: typeof payloadSha256 === 'string' ? payloadSha256 : null,
  }));
}

/** Runs that began, or ended, a while ago, and are not in the register: public ids, the oldest first. */
export async function unloggedRuns(session: Session, limit: number): Promise<readonly string[]> {
  const rows = await session.query(
    'evidence_unlogged',
    `select r.key from run r
     where r.state <> 0 and coalesce(r.started_at, r.finished_at, r.created_at) < now() - ${MOMENTS}
       and not exists (select 1 from evidence_leaf l where l.run_id = r.id and l.kind = ${EVIDENCE_KINDS.open})
     order by r.id limit $1`,
    [limit],
  );
  return rows.map(([key]) => String(key));
}
