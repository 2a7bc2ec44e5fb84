import type { HeldLease } from '../protocol/lease.ts';
import type { Isolation } from '../protocol/outcome.ts';
import type { BoundWorker, WorkerSessions } from '../protocol/worker-session.ts';
import { intArray } from './array-literal.ts';
import type { Database } from './database.ts';

export function openWorkerSessions(db: Database): WorkerSessions {
  return {
    add: (tokenHash, worker) => add(db, tokenHash, worker),
    find: (tokenHash, now) => find(db, tokenHash, now),
    close: async (workerId, endsAt) => {
      await db.query(
        'session_close',
        `update worker_session set expires_at = least(expires_at, to_timestamp($2::float8 / 1000)),
           ends_at = least(ends_at, to_timestamp($2::float8 / 1000)) where worker = $1`,
        [workerId, endsAt],
      );
    },
    prolong: (worker, expiresAt) => prolong(db, worker, expiresAt),
    mayEnd: (worker, held) => mayEnd(db, worker, held),
    hasWork: (worker) => hasWork(db, worker),
  };
}

/** Sessions that are over go when a new one comes: there are never more than jobs of one session's length. */
async function add(db: Database, tokenHash: Uint8Array, worker: BoundWorker): Promise<void> {
  await db.query('session_remove_expired', 'delete from worker_session where expires_at < now()', []);
  await db.query(
    'session_add',
    `insert into worker_session (token_hash, worker, run_key, class, isolation, expires_at, ends_at)
     values ($1, $2, $3, $4, $5, to_timestamp($6::float8 / 1000), to_timestamp($7::float8 / 1000))`,
    [tokenHash, worker.workerId, worker.run, worker.class, worker.isolation, worker.expiresAt, worker.endsAt],
  );
}

async function find(db: Database, tokenHash: Uint8Array, now: number): Promise<BoundWorker | undefined> {
  const rows = await db.query(
    'session_find',
    `select worker, run_key, class, isolation, extract(epoch from expires_at)::float8 * 1000,
       extract(epoch from ends_at)::float8 * 1000 from worker_session
     where token_hash = $1 and expires_at > to_timestamp($2::float8 / 1000)`,
    [tokenHash, now],
  );
  const row = rows[0];
  if (!row) return undefined;
  return {
    workerId: Number(row[0]),
    run: String(row[1]),
    class: String(row[2]),
    isolation: String(row[3]) as Isolation,
    expiresAt: Number(row[4]),
    endsAt: Number(row[5]),
  };
}

/** Of an open run: whoever serves one that is over has nothing left to do. */
async function prolong(db: Database, worker: BoundWorker, expiresAt: number): Promise<void> {
  await db.query(
    'session_prolong',
    `update worker_session s set expires_at = greatest(s.expires_at, least(s.ends_at, to_timestamp($2::float8 / 1000)))
     where s.worker = $1 and exists (select 1 from run r where r.key = s.run_key and r.state < 3)`,
    [worker.workerId, expiresAt],
  );
}

async function mayEnd(db: Database, worker: BoundWorker, held: readonly HeldLease[]): Promise<readonly boolean[]> {
  if (held.length === 0) return [];
  const ids = held.map(({ stepId }) => stepId.split('.').map(Number));
  // Only under the step's present fence: one that is yet to come could be another worker's a moment later.
  const rows = await db.query(
    'steps_endable',
    `select exists (select 1 from run r join step s on s.run_id = r.id
       where r.id = h.run_id and r.key = $5 and s.idx = h.idx and s.fence = h.fence and (s.worker = $1 or s.state not in (3, 4)))
     from unnest($2::bigint[], $3::int[], $4::int[]) with ordinality as h (run_id, idx, fence, ord) order by ord`,
    [
      worker.workerId,
      intArray(ids.map(([run]) => run ?? 0)),
      intArray(ids.map(([, idx]) => idx ?? 0)),
      intArray(held.map(({ fence }) => fence)),
      worker.run,
    ],
  );
  return rows.map(([isAllowed]) => isAllowed === true);
}

async function hasWork(db: Database, worker: BoundWorker): Promise<boolean> {
  const rows = await db.query(
    'session_has_work',
    `select 1 from run r where r.key = $1 and r.state < 3 and (r.state = 0 or exists (
       select 1 from step s where s.run_id = r.id and s.state < 5 and ($2 = '*' or exists (
         select 1 from queue q where q.id = s.queue and q.class = $2))))`,
    [worker.run, worker.class],
  );
  return rows.length > 0;
}
