import type { ClassDemand, Demand } from '../protocol/demand.ts';
import type { Database } from './database.ts';

/**
 * What is ready is grouped by queue, and all else is one look at an index per queue of a dedicated run. Rows of `ready`
 * outlive a cancellation: they count only while the run is open and one of its steps is ready indeed.
 *
 * A job that was asked for before a step of its class succeeded is no sign that none does: in a long run machines are
 * taken away now and then. Steps are looked at only where a job was lost.
 *
 * A repository whose runs wait by the thousand, as its quota wants it, must not keep those of others out of the list.
 */
const UNSERVED = `
  with waiting as (select queue, count(*)::int as ready, min(seq) as first from ready group by queue),
  unserved as (
    select u.id, w.first, u.key, q.class, w.ready, j.waiting, j.running, case when j.lost = 0 then 0 else (
        select coalesce(sum(greatest(d.refusals, 1)), 0)::int from dispatch d
        where d.run_key = u.key and d.class = q.class and d.status = 4 and d.requested_at > coalesce((
          select max(s.finished_at) from step s where s.run_id = u.id and s.queue = q.id and s.state = 5), '-infinity')
      ) end as lost, j.jobs, exists (select 1 from dispatch o where o.run_key = u.key and o.status < 3) as is_inside, q.waits,
      row_number() over (partition by u.namespace_id order by u.id, w.first) as place
    from waiting w
    join queue q on q.id = w.queue and q.pool like '@%'
    join run u on u.key = substr(q.pool, 2) and u.state in (1, 2)
    cross join lateral (
      select (count(*) filter (where d.status < 2))::int as waiting, (count(*) filter (where d.status = 2))::int as running,
        (count(*) filter (where d.status = 4))::int as lost, coalesce(max(d.ordinal), 0)::int as jobs
      from dispatch d where d.run_key = u.key and d.class = q.class) j
    where j.waiting + j.running < $1
      and not exists (select 1 from dispatch o where o.run_key = u.key and o.class = '*' and o.status < 3)
      and exists (
        select 1 from ready r join step s on s.run_id = r.run_id and s.idx = r.idx where r.queue = q.id and s.state = 2))
  select key, class, ready, waiting, running, lost, jobs, is_inside, waits
  from (select * from unserved order by place, id limit $2) f order by f.id, f.first`;

export function openDemand(db: Database): Demand {
  return {
    unserved: async (jobsMax, limit) => {
      const rows = await db.query('demand_unserved', UNSERVED, [jobsMax, limit]);
      return rows.map(
        (row): ClassDemand => ({
          runId: String(row[0]),
          class: String(row[1]),
          ready: Number(row[2]),
          waitingJobs: Number(row[3]),
          runningJobs: Number(row[4]),
          lostJobs: Number(row[5]),
          jobs: Number(row[6]),
          isInside: row[7] === true,
          waits: row[8] as string | null,
        }),
      );
    },
  };
}
