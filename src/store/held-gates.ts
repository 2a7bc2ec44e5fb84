import { codeOf, HOLDS, STEP_STATES } from './codes.ts';
import type { Session } from './database.ts';

/** Indexes of the gates of a run that wait. */
export async function heldGates(session: Session, run: number): Promise<readonly number[]> {
  const rows = await session.query(
    'gates_held',
    'select idx from step where run_id = $1 and state = $2 and hold = $3 order by idx',
    [run, codeOf(STEP_STATES, 'held'), codeOf(HOLDS, 'gate')],
  );
  return rows.map((row) => Number(row[0]));
}
