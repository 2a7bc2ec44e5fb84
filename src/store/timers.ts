import type { Session } from './database.ts';
import { inScope, type Scope, scopeValue } from './scope.ts';

export interface DueTimer {
  readonly run: number;
  readonly idx: number;
  readonly generation: number;
}

/** Timers whose time has come. A timer is deleted by whoever acts on it; acting twice on one generation does nothing. */
export async function dueTimers(session: Session, scope: Scope, limit: number): Promise<readonly DueTimer[]> {
  const rows = await session.query(
    'timers_due',
    `select t.run_id, t.idx, t.generation from timer t
     where t.due_at <= now() and ($2::text[] is null or exists (select 1 from run r where r.id = t.run_id and ${inScope('r.pool', '$2')}))
     order by t.due_at limit $1`,
    [limit, scopeValue(scope)],
  );
  return rows.map((row) => ({ run: Number(row[0]), idx: Number(row[1]), generation: Number(row[2]) }));
}

/** Index that stands for a run as a whole. */
export const WHOLE_RUN = -1;

/** A run that waited begins: from now on its budget of time runs. */
export async function setDeadline(session: Session, run: number, deadlineMs: number): Promise<void> {
  await session.query(
    'timer_deadline',
    `insert into timer (run_id, idx, kind, generation, due_at) values ($1, ${WHOLE_RUN}, 2, 0, now() + $2::float8 * interval '1 millisecond') on conflict do nothing`,
    [run, deadlineMs],
  );
}

export async function deleteTimer(session: Session, timer: DueTimer): Promise<void> {
  await session.query('timer_delete', 'delete from timer where run_id = $1 and idx = $2 and generation <= $3', [
    timer.run,
    timer.idx,
    timer.generation,
  ]);
}

/** Milliseconds until the next timer fires, 0 where one is due, undefined where there is none. */
export async function nextTimerMs(session: Session, scope: Scope): Promise<number | undefined> {
  const rows = await session.query(
    'timer_next',
    `select (extract(epoch from min(t.due_at) - now()) * 1000)::float8 from timer t
     where $1::text[] is null or exists (select 1 from run r where r.id = t.run_id and ${inScope('r.pool', '$1')})`,
    [scopeValue(scope)],
  );
  const value = rows[0]?.[0];
  return value === null || value === undefined ? undefined : Math.max(0, Number(value));
}
