import type { JobWait } from '../protocol/quota.ts';
import { textArray } from './array-literal.ts';
import type { Session } from './database.ts';
import { SERVED } from './scope.ts';

const REASON_CHARS_MAX = 1000;

/** Notes what is waited for with the queue of the class, which goes when its run is over. Rows in order: others do the same. */
export async function noteWaits(session: Session, waits: readonly JobWait[]): Promise<void> {
  if (waits.length === 0) return;
  await session.query(
    'queue_waits',
    `with noted as (
       select q.id, w.reason from unnest($1::text[], $2::text[], $3::text[]) as w (pool, class, reason)
       join queue q on q.pool = w.pool and q.class = w.class
       where q.waits is distinct from w.reason order by q.id for no key update of q)
     update queue q set waits = noted.reason from noted where q.id = noted.id`,
    [
      textArray(waits.map(({ runId }) => `${SERVED}${runId}`)),
      textArray(waits.map((wait) => wait.class)),
      textArray(waits.map(({ reason }) => reason?.slice(0, REASON_CHARS_MAX) ?? null)),
    ],
  );
}

/**
 * Why a run waits for jobs, one line per class; null where nothing is wrong. What was noted of a wait counts as long as there
 * is one: steps are ready, and no job is there for them.
 */
export async function problemOf(session: Session, runId: string): Promise<string | null> {
  const rows = await session.query(
    'dispatch_problems',
    `select line from (
       select l.class, 1 as place, l.class || ': ' || l.problem as line from (
         select distinct on (class) class, problem from dispatch where run_key = $1 order by class, ordinal desc) l
       where l.problem is not null
       union all
       select q.class, 2, q.class || ' waits: ' || q.waits from queue q
       where q.pool = '${SERVED}' || $1 and q.waits is not null
         and not exists (select 1 from dispatch d where d.run_key = $1 and d.class in (q.class, '*') and d.status < 3)
         and exists (
           select 1 from ready r join step s on s.run_id = r.run_id and s.idx = r.idx where r.queue = q.id and s.state = 2)
       ) p order by class, place`,
    [runId],
  );
  return rows.length === 0 ? null : rows.map(([line]) => String(line)).join('\n');
}
