import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import { intArray } from './array-literal.ts';
import type { Session } from './database.ts';
import { WHOLE_RUN } from './timers.ts';

export interface AskedAbout {
  /** WHOLE_RUN for the run itself. */
  readonly idx: number;
  readonly decisionId: number;
}

/** Decisions about a run: on itself, on its steps, on answers to them, on their secrets and promotions. The strictest first. */
export async function decisionsOfRun(session: Session, run: number): Promise<readonly AskedAbout[]> {
  const rows = await session.query(
    'decisions_of_run',
    `select a.idx, a.decision_id from (
       select ${WHOLE_RUN} as idx, decision_id from run where id = $1
       union select idx, decision_id from step where run_id = $1
       union select idx, decision_id from approval where run_id = $1
       union select idx, decision_id from promotion where run_id = $1
       union select idx, decision_id from secret_release where run_id = $1
     ) as a join decision d on d.id = a.decision_id
     order by d.verdict desc, a.idx, a.decision_id`,
    [run],
  );
  return rows.map((row) => ({ idx: Number(row[0]), decisionId: Number(row[1]) }));
}

/** The questions of decisions, by the decision's number. */
export async function loadDecisionInputs(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, JsonObject>> {
  const rows = await session.query('decision_inputs', 'select id, input from decision where id = any ($1::bigint[])', [
    intArray(ids),
  ]);
  return new Map(rows.map((row) => [Number(row[0]), row[1] as JsonObject]));
}

/** Data documents under which decisions were made, by the pack's digest. */
export async function loadDecisionData(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<Digest, JsonObject>> {
  const rows = await session.query(
    'decision_data',
    `select p.digest, p.data from pack p
     where p.id in (select pack_id from decision where id = any ($1::bigint[])) order by p.id`,
    [intArray(ids)],
  );
  return new Map(rows.map(([digest, data]) => [digest as Digest, data as JsonObject]));
}
