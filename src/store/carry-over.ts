import { intArray, textArray } from './array-literal.ts';
import { codeOf, STEP_STATES, type StepState } from './codes.ts';
import type { Session } from './database.ts';

export interface CarriedStep {
  readonly idx: number;
  readonly status: StepState;
  readonly outcome: string;
  readonly pending: number;
  readonly decisionId: number | null;
  readonly iteration: number;
}

export interface CarryOver {
  readonly attempt: number;
  readonly carried: readonly CarriedStep[];
  readonly waiting: readonly { readonly idx: number; readonly pending: number }[];
  readonly openSinks: number;
}

/** Copies results of an earlier attempt into a run that waits to be released. */
export async function carryOver(session: Session, run: number, carry: CarryOver): Promise<void> {
  await session.query(
    'carry_steps',
    `update step s set state = c.state, pending = 0, outcome = c.outcome::jsonb, decision_id = c.decision_id, iteration = c.iteration, finished_at = now()
     from unnest($2::int[], $3::smallint[], $4::text[], $5::bigint[], $6::smallint[]) as c (idx, state, outcome, decision_id, iteration)
     where s.run_id = $1 and s.idx = c.idx`,
    [
      run,
      intArray(carry.carried.map((one) => one.idx)),
      intArray(carry.carried.map((one) => codeOf(STEP_STATES, one.status))),
      textArray(carry.carried.map((one) => one.outcome)),
      intArray(carry.carried.map((one) => one.decisionId)),
      intArray(carry.carried.map((one) => one.iteration)),
    ],
  );
  await session.query(
    'carry_pending',
    'update step s set pending = c.pending from unnest($2::int[], $3::int[]) as c (idx, pending) where s.run_id = $1 and s.idx = c.idx',
    [run, intArray(carry.waiting.map((one) => one.idx)), intArray(carry.waiting.map((one) => one.pending))],
  );
  await session.query('carry_run', 'update run set attempt = $2, sinks_left = $3 where id = $1', [
    run,
    carry.attempt,
    carry.openSinks,
  ]);
}
