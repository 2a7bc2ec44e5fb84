import { intArray, textArray } from './array-literal.ts';
import type { Session } from './database.ts';
import type { FencedStep } from './workers.ts';

/** Values of secrets that went to a worker, by name. */
export interface SecretRelease {
  readonly run: number;
  readonly idx: number;
  readonly fence: number;
  readonly names: readonly string[];
  readonly decisionId: number;
  readonly at: Date;
}

/** False where it is known: a worker that did not hear the answer asks again. */
export async function addSecretRelease(
  session: Session,
  { run, idx, fence }: FencedStep,
  names: readonly string[],
  decisionId: number,
): Promise<boolean> {
  const rows = await session.query(
    'secret_release_add',
    `insert into secret_release (run_id, idx, fence, names, decision_id) values ($1, $2, $3, $4::text[], $5)
     on conflict do nothing returning id`,
    [run, idx, fence, textArray(names), decisionId],
  );
  return rows.length > 0;
}

/** The last of each step. */
export async function loadSecretReleases(session: Session, runs: readonly number[]): Promise<readonly SecretRelease[]> {
  const rows = await session.query(
    'secret_releases_load',
    `select distinct on (run_id, idx) run_id, idx, fence, to_jsonb(names), decision_id, at
     from secret_release where run_id = any ($1::bigint[]) order by run_id, idx, fence desc`,
    [intArray(runs)],
  );
  return rows.map((row) => ({
    run: Number(row[0]),
    idx: Number(row[1]),
    fence: Number(row[2]),
    names: row[3] as readonly string[],
    decisionId: Number(row[4]),
    at: row[5] as Date,
  }));
}
