import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../../../src/store/database.ts';
import { openDemand } from '../../../src/store/demand.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { freshDatabase } from '../../fresh-database.ts';

/** A quarter of a second on a busy machine: a look is made at most four times a second. */
const LOOK_MS_MAX = 250;
const RUNS = 10_000;

let db: Database;
let drop: () => Promise<void>;
beforeAll(async () => {
  const fresh = await freshDatabase(undefined);
  drop = fresh.drop;
  db = await fresh.open();
  await migrate(db);
  await db.query(
    '',
    `insert into plan (digest, body, sinks, classes, pendings, succs, runners) values ('d', '{}', 1, '{linux}', '{0}', '{"{}"}', '{1}')`,
    [],
  );
  await db.query(
    '',
    `insert into run (key, plan_id, state, sinks_left, nonce, trigger, pool)
     select 'run' || n, 1, 1, 1, '', '{}', '@run' || n from generate_series(1, ${RUNS}) n`,
    [],
  );
  await db.query('', `insert into queue (pool, class) select pool, 'linux' from run order by id`, []);
  await db.query(
    '',
    `insert into step (run_id, idx, state, pending, queue, succ)
     select r.id, i, 2, 0, q.id, '{}' from run r join queue q on q.pool = r.pool cross join generate_series(0, 2) i`,
    [],
  );
  await db.query('', 'insert into ready (queue, run_id, idx) select queue, run_id, idx from step order by run_id', []);
  await db.query(
    '',
    `insert into dispatch (id, run_key, class, ordinal, labels, installation_id, repository_id, owner, repo, ref, status, status_at, requested_at, due_at)
     select key, key, 'linux', 1, '[]', 1, 1, '', '', '', 1, now(), now(), now() from run where id > 5`,
    [],
  );
}, 120_000);
afterAll(async () => {
  await db.close();
  await drop();
});

it('what ten thousand open runs need of runners is told in one quick look', async () => {
  const demand = openDemand(db);
  await db.query('', 'analyze', []);
  let bestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const before = performance.now();
    const found = await demand.unserved(1, RUNS);
    bestMs = Math.min(bestMs, performance.now() - before);
    expect(found.map((one) => [one.runId, one.ready, one.jobs])).toEqual([1, 2, 3, 4, 5].map((n) => [`run${n}`, 3, 0]));
  }
  expect(bestMs).toBeLessThan(LOOK_MS_MAX);
});
