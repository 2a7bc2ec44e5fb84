import { textArray } from './array-literal.ts';
import type { Session } from './database.ts';
import { SERVED } from './scope.ts';

/** Where steps of a runner class wait: those of any run (`pool` is empty), or of the run that the pool names. */
export interface QueueName {
  readonly pool: string;
  readonly class: string;
}

/** Numbers of queues, in the order of the names; unknown ones are made. */
export async function saveQueues(session: Session, names: readonly QueueName[]): Promise<readonly number[]> {
  const pools = textArray(names.map((name) => name.pool));
  const classes = textArray(names.map((name) => name.class));
  const find = (): Promise<readonly (readonly unknown[])[]> =>
    session.query(
      'queue_ids',
      `select q.id from unnest($1::text[], $2::text[]) with ordinality as w (pool, class, ord)
       left join queue q on q.pool = w.pool and q.class = w.class order by w.ord`,
      [pools, classes],
    );
  const found = await find();
  if (found.every((row) => row[0] !== null)) return found.map((row) => Number(row[0]));
  await session.query(
    'queue_insert',
    'insert into queue (pool, class) select distinct p, c from unnest($1::text[], $2::text[]) as w (p, c) order by p, c on conflict do nothing',
    [pools, classes],
  );
  return (await find()).map((row) => Number(row[0]));
}

/** All queues of a pool. */
export async function listQueues(session: Session, pool: string): Promise<readonly number[]> {
  const rows = await session.query('queues_of_pool', 'select id from queue where pool = $1 order by id', [pool]);
  return rows.map((row) => Number(row[0]));
}

/**
 * Forgets the queues of dedicated runs that have ended, and what was left waiting there when they were cancelled: nobody
 * serves them any more, and a retry has queues of its own. So too those that were made for a run which was not started,
 * since its idempotency key was known.
 * @param bornBefore a ULID: runs of greater keys may be about to start
 */
export async function removeEndedQueues(session: Session, bornBefore: string, max: number): Promise<void> {
  await session.query(
    'queues_remove_ended',
    `with gone as (
       select q.id from queue q left join run r on r.key = ltrim(q.pool, '${SERVED}')
       where q.pool <> '' and (r.state >= 3 or (r.id is null and ltrim(q.pool, '${SERVED}') collate "C" < $1))
       order by q.id limit $2 for update of q skip locked),
     unserved as (delete from ready where queue in (select id from gone))
     delete from queue where id in (select id from gone)`,
    [bornBefore, max],
  );
}
