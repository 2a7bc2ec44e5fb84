import type { ClassDemand, Demand } from '../protocol/demand.ts';
import type { Database } from './database.ts';

/** Small tables only: what is ready, the queues of dedicated runs, and the jobs of those runs. */
export function openDemand(db: Database): Demand {
  return {
    unserved: async (jobsMax, limit) => {
      const rows = await db.query(
        'demand_unserved',
        `with waiting as (select queue, count(*)::int as ready, min(seq) as first from ready group by queue)
         select substr(q.pool, 2), q.class, w.ready, j.waiting, j.running, j.lost, j.jobs
         from waiting w join queue q on q.id = w.queue and q.pool like '@%'
         cross join lateral (
           select (count(*) filter (where d.status < 2))::int as waiting, (count(*) filter (where d.status = 2))::int as running,
             coalesce(sum(greatest(d.refusals, 1)) filter (where d.status = 4), 0)::int as lost, coalesce(max(d.ordinal), 0)::int as jobs
           from dispatch d where d.run_key = substr(q.pool, 2) and d.class = q.class) j
         where j.waiting + j.running < $1 and not exists (
           select 1 from dispatch o where o.run_key = substr(q.pool, 2) and o.class = '*' and o.status < 3)
         order by w.first limit $2`,
        [jobsMax, limit],
      );
      return rows.map(
        (row): ClassDemand => ({
          runId: String(row[0]),
          class: String(row[1]),
          ready: Number(row[2]),
          waitingJobs: Number(row[3]),
          runningJobs: Number(row[4]),
          lostJobs: Number(row[5]),
          jobs: Number(row[6]),
        }),
      );
    },
  };
}
