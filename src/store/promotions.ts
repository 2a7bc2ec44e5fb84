import type { Digest } from '../base/digest.ts';
import { intArray, textArray } from './array-literal.ts';
import type { Session } from './database.ts';

/** What passed a gate to an environment. */
export interface Promotion {
  readonly run: number;
  readonly idx: number;
  readonly environment: string;
  readonly artifacts: readonly Digest[];
  readonly commit: string | null;
  readonly isRollback: boolean;
  readonly decisionId: number;
  readonly at: Date;
}

export async function addPromotion(session: Session, promotion: Omit<Promotion, 'at'>): Promise<void> {
  const { run, idx, environment, artifacts, commit, isRollback, decisionId } = promotion;
  await session.query(
    'promotion_add',
    `insert into promotion (run_id, idx, environment, artifacts, commit, is_rollback, decision_id)
     values ($1, $2, $3, $4::text[], $5, $6, $7) on conflict do nothing`,
    [run, idx, environment, textArray(artifacts), commit, isRollback, decisionId],
  );
}

export async function loadPromotions(session: Session, runs: readonly number[]): Promise<readonly Promotion[]> {
  const rows = await session.query(
    'promotions_load',
    `select run_id, idx, environment, to_jsonb(artifacts), commit, is_rollback, decision_id, at
     from promotion where run_id = any ($1::bigint[]) order by run_id, idx`,
    [intArray(runs)],
  );
  return rows.map((row) => ({
    run: Number(row[0]),
    idx: Number(row[1]),
    environment: String(row[2]),
    artifacts: row[3] as readonly Digest[],
    commit: (row[4] ?? null) as string | null,
    isRollback: row[5] === true,
    decisionId: Number(row[6]),
    at: row[7] as Date,
  }));
}

/** Whether a run of the plan was let to the environment before, with nothing but the commit. */
export async function wasPromoted(
  session: Session,
  namespace: number,
  what: { readonly planDigest: Digest; readonly environment: string; readonly commit: string },
): Promise<boolean> {
  const [row] = await session.query(
    'promotions_before',
    `select exists (
       select 1 from promotion o join run r on r.id = o.run_id join plan p on p.id = r.plan_id
       where o.commit = $1 and o.environment = $2 and cardinality(o.artifacts) = 0
         and r.namespace_id = $3 and p.digest = $4)`,
    [what.commit, what.environment, namespace, what.planDigest],
  );
  return row?.[0] === true;
}
