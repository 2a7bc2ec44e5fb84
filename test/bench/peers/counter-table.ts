import type { Pool } from 'pg';
import type { Shape } from '../workloads.ts';

/**
 * The least graph that a queue without graphs needs: one row a step with the number of its open needs.
 *
 * `graph_finish` marks steps as done (once), counts their successors down and answers those that became free, so that the
 * caller can enqueue them in the same transaction. Its plans are pinned: left to choose, the planner made the peers slower.
 */
const SCHEMA = `
create table if not exists graph_step (
  run int not null, index int not null, open int not null, is_done boolean not null default false, successors int[] not null,
  primary key (run, index)
) with (fillfactor = 50);

create or replace function graph_start(p_run int, p_open int[], p_successors text[]) returns void language plpgsql as $$
begin
  insert into graph_step (run, index, open, successors)
  select p_run, (place - 1)::int, s.open, s.successors::int[]
  from unnest(p_open, p_successors) with ordinality as s (open, successors, place);
end $$;

create or replace function graph_finish(p_runs int[], p_indexes int[]) returns table (run int, index int) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query with
    finished as (
      update graph_step s set is_done = true from unnest(p_runs, p_indexes) as f (run, index)
      where s.run = f.run and s.index = f.index and not s.is_done returning s.run, s.successors),
    less as (
      select f.run, n.index, count(*)::int as by from finished f cross join lateral unnest(f.successors) as n (index) group by 1, 2),
    locked as (
      select s.run, s.index, s.open - l.by as open from graph_step s join less l on s.run = l.run and s.index = l.index
      order by s.run, s.index for update of s),
    counted as (
      update graph_step s set open = k.open from locked k where s.run = k.run and s.index = k.index returning s.run, s.index, s.open)
  select c.run, c.index from counted c where c.open = 0;
end $$;`;

export async function installCounterTable(pool: Pool): Promise<void> {
  await pool.query(SCHEMA);
}

/** Arguments 2 and 3 of `graph_start`, and the steps that are free at once. */
export function graphArguments({ needs, successors }: Shape): {
  open: number[];
  successors: string[];
  roots: number[];
} {
  return {
    open: needs.map((list) => list.length),
    successors: successors.map((list) => `{${list.join(',')}}`),
    roots: needs.flatMap((list, step) => (list.length === 0 ? [step] : [])),
  };
}

export async function verifyCounterTable(pool: Pool, firstRun: number, expected: number): Promise<{ done: number }> {
  const { rows } = await pool.query('select count(*)::int as done from graph_step where is_done and run >= $1', [
    firstRun,
  ]);
  if (rows[0].done !== expected)
    throw new Error(`expected ${expected} steps done in the counter table, found ${rows[0].done}`);
  return { done: rows[0].done };
}

/** Which runs have ended in the database, as this process saw the commits. */
export class RunLedger {
  readonly #size: number;
  readonly #recorded = new Map<number, number>();
  readonly #waiters = new Map<number, () => void>();

  constructor(shape: Shape) {
    this.#size = shape.size;
  }

  /** Call after the transaction that recorded the step has committed. */
  noteRecorded(run: number): void {
    const recorded = (this.#recorded.get(run) ?? 0) + 1;
    this.#recorded.set(run, recorded);
    if (recorded === this.#size) this.#waiters.get(run)?.();
  }

  async ended(run: number): Promise<void> {
    if (this.#recorded.get(run) === this.#size) return;
    await new Promise<void>((resolve) => this.#waiters.set(run, resolve));
  }
}
