import type { Plan } from '../pipeline/plan.ts';
import type { Session } from '../store/database.ts';
import { setDeadline } from '../store/timers.ts';
import type { RunWork } from './run-work.ts';

/** A run that waited begins: from now on its budget of time runs. */
export async function beginRun(session: Session, work: RunWork): Promise<boolean> {
  const isReleased = work.apply({ type: 'released' });
  const deadlineMs = deadlineOf(work.entry.compiled.plan);
  if (isReleased && deadlineMs !== null) await setDeadline(session, work.row.id, deadlineMs);
  return isReleased;
}

/** Milliseconds that the budget of a run allows. */
export function deadlineOf(plan: Plan): number | null {
  return plan.budget?.minutes === undefined ? null : Math.round(plan.budget.minutes * 60_000);
}
