import { codeOf, HOLDS, STEP_STATES } from './codes.ts';
import type { Session } from './database.ts';

/** Runs in which steps wait for people or policy. @param namespace null: of all */
export async function waitingRuns(session: Session, namespace: number | null): Promise<readonly number[]> {
  const rows = await session.query(
    'runs_waiting',
    `select r.id from run r where ($1::int is null or r.namespace_id = $1) and r.state < 3
       and exists (select 1 from step s where s.run_id = r.id and s.state = $2 and s.hold in ($3, $4))
     order by r.id`,
    [namespace, codeOf(STEP_STATES, 'held'), codeOf(HOLDS, 'gate'), codeOf(HOLDS, 'ask')],
  );
  return rows.map((row) => Number(row[0]));
}

/** Indexes of the gates of a run that wait. */
export async function heldGates(session: Session, run: number): Promise<readonly number[]> {
  const rows = await session.query(
    'gates_held',
    'select idx from step where run_id = $1 and state = $2 and hold = $3 order by idx',
    [run, codeOf(STEP_STATES, 'held'), codeOf(HOLDS, 'gate')],
  );
  return rows.map((row) => Number(row[0]));
}
