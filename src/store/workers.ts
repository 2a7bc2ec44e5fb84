import type { Isolation } from '../protocol/outcome.ts';
import { intArray, textArray } from './array-literal.ts';
import type { Session } from './database.ts';
import { inScope, type Scope, scopeValue } from './scope.ts';

/** One step as its worker, or a sweep, names it. */
export interface FencedStep {
  readonly run: number;
  readonly idx: number;
  readonly fence: number;
}

/** What a worker serves: runner classes, of the runs of one pool. */
export interface WorkerService {
  readonly pool: string;
  readonly classes: readonly string[];
  /** How it keeps steps apart; null where it did not say. */
  readonly isolation: Isolation | null;
}

export async function addWorker(session: Session, name: string, service: WorkerService): Promise<number> {
  const rows = await session.query(
    'worker_add',
    'insert into worker (name, pool, classes, isolation) values ($1, $2, $3::text[], $4) returning id',
    [name, service.pool, textArray(service.classes), service.isolation],
  );
  return Number(rows[0]?.[0]);
}

/** What a worker said that it serves, to whichever process it registered with; undefined if it is unknown. */
export async function readWorkerService(session: Session, worker: number): Promise<WorkerService | undefined> {
  const rows = await session.query('worker_service', 'select pool, classes, isolation from worker where id = $1', [
    worker,
  ]);
  const row = rows[0];
  return (
    row && {
      pool: String(row[0]),
      classes: row[1] as readonly string[],
      isolation: (row[2] ?? null) as Isolation | null,
    }
  );
}

export async function removeWorkers(session: Session, ids: readonly number[]): Promise<void> {
  await session.query('worker_remove', 'delete from worker where id = any ($1::int[])', [intArray(ids)]);
}

/**
 * Workers of a database that only this process can have: after a restart all of them are dead, but for those far away,
 * which speak over HTTP and work on meanwhile.
 */
export async function removeNearWorkers(session: Session): Promise<void> {
  await session.query(
    'worker_remove_near',
    'delete from worker w where not exists (select 1 from worker_session s where s.worker = w.id)',
    [],
  );
}

/** Running steps whose worker is unknown. */
export async function orphanedSteps(session: Session): Promise<readonly FencedStep[]> {
  const rows = await session.query(
    'steps_orphaned',
    `select s.run_id, s.idx, s.fence from run r join step s on s.run_id = r.id left join worker w on w.id = s.worker
     where r.state in (1, 2) and s.state in (3, 4) and w.id is null order by s.run_id, s.idx`,
    [],
  );
  return rows.map(toFenced);
}

export interface WorkerName {
  readonly id: number;
  readonly name: string;
}

/** Workers that hold steps; of one run, or of all. */
export async function holdingWorkers(session: Session, run: number | null): Promise<readonly WorkerName[]> {
  const rows = await session.query(
    'workers_holding',
    `select w.id, w.name from worker w where exists (
       select 1 from run r join step s on s.run_id = r.id
       where r.state in (1, 2) and s.state in (3, 4) and s.worker = w.id and ($1::bigint is null or r.id = $1))`,
    [run],
  );
  return rows.map((row) => ({ id: Number(row[0]), name: String(row[1]) }));
}

/** Records a heartbeat and what is held; answers whether the worker is still known. */
export async function beat(session: Session, worker: number, held: readonly FencedStep[]): Promise<boolean> {
  const rows = await session.query(
    'worker_beat',
    'update worker set beat = now(), held_runs = $2::bigint[], held_idxs = $3::int[], held_fences = $4::int[] where id = $1 returning 1',
    [
      worker,
      intArray(held.map((one) => one.run)),
      intArray(held.map((one) => one.idx)),
      intArray(held.map((one) => one.fence)),
    ],
  );
  return rows.length > 0;
}

/** Those of the named leases that their worker no longer owns. */
export async function lostLeases(
  session: Session,
  worker: number,
  held: readonly FencedStep[],
): Promise<readonly FencedStep[]> {
  const rows = await session.query(
    'leases_lost',
    `select h.run_id, h.idx, h.fence from unnest($2::bigint[], $3::int[], $4::int[]) as h (run_id, idx, fence)
     where not exists (select 1 from step s
       where s.run_id = h.run_id and s.idx = h.idx and s.fence = h.fence and s.state in (3, 4) and s.worker = $1)`,
    [
      worker,
      intArray(held.map((one) => one.run)),
      intArray(held.map((one) => one.idx)),
      intArray(held.map((one) => one.fence)),
    ],
  );
  return rows.map(toFenced);
}

/** Steps of a worker that were told to stop. */
export async function stoppingSteps(session: Session, worker: number): Promise<readonly FencedStep[]> {
  const rows = await session.query(
    'steps_stopping',
    'select s.run_id, s.idx, s.fence from run r join step s on s.run_id = r.id where r.state = 2 and s.state = 4 and s.worker = $1',
    [worker],
  );
  return rows.map(toFenced);
}

/**
 * Running steps that nobody works on: their worker is unknown or silent for `deadMs`, or it beat more than `unnamedMs`
 * after the lease was granted without naming it (the answer that carried the lease was lost).
 */
export async function abandonedSteps(
  session: Session,
  scope: Scope,
  deadMs: number,
  unnamedMs: number,
): Promise<readonly FencedStep[]> {
  const rows = await session.query(
    'steps_abandoned',
    `select s.run_id, s.idx, s.fence
     from run r join step s on s.run_id = r.id left join worker w on w.id = s.worker
     where r.state in (1, 2) and s.state in (3, 4) and ${inScope('r.pool', '$3')} and (
       w.id is null or w.beat < now() - $1::float8 * interval '1 millisecond'
       or (w.beat > s.leased_at + $2::float8 * interval '1 millisecond' and not exists (
         select 1 from unnest(w.held_runs, w.held_idxs, w.held_fences) as h (run_id, idx, fence)
         where h.run_id = s.run_id and h.idx = s.idx and h.fence = s.fence)))
     order by s.run_id, s.idx`,
    [deadMs, unnamedMs, scopeValue(scope)],
  );
  return rows.map(toFenced);
}

/** Everything that a worker holds. */
export async function heldSteps(session: Session, worker: number): Promise<readonly FencedStep[]> {
  const rows = await session.query(
    'steps_held',
    'select s.run_id, s.idx, s.fence from run r join step s on s.run_id = r.id where r.state in (1, 2) and s.state in (3, 4) and s.worker = $1 order by s.run_id, s.idx',
    [worker],
  );
  return rows.map(toFenced);
}

/** Workers that are silent and hold nothing any more. */
export async function removeSilentWorkers(session: Session, deadMs: number): Promise<void> {
  await session.query(
    'worker_remove_silent',
    `delete from worker w where w.beat < now() - $1::float8 * interval '1 millisecond' and not exists (
       select 1 from run r join step s on s.run_id = r.id where r.state in (1, 2) and s.state in (3, 4) and s.worker = w.id)`,
    [deadMs],
  );
}

/** Whether the step is held by this worker under this fence. */
export async function ownsLease(session: Session, worker: number, held: FencedStep): Promise<boolean> {
  const rows = await session.query(
    'lease_owned',
    'select 1 from step where run_id = $1 and idx = $2 and fence = $3 and worker = $4 and state in (3, 4)',
    [held.run, held.idx, held.fence, worker],
  );
  return rows.length > 0;
}

/** What is known of an attempt, without locking its run. `recorded`: its outcome counted. `lost`: it is no longer that one. */
export type AttemptState = 'held' | 'recorded' | 'lost';

/** Whose worker holds it is not asked here. */
export async function attemptState(session: Session, attempt: FencedStep): Promise<AttemptState> {
  const rows = await session.query(
    'attempt_state',
    // 5: it succeeded. Of other ends the slow path notes which attempt its worker ended.
    `select case when state in (3, 4) then 'held' when state = 5 or outcome->>'endedFence' = $3::int::text then 'recorded' end
     from step where run_id = $1 and idx = $2 and fence = $3::int`,
    [attempt.run, attempt.idx, attempt.fence],
  );
  return (rows[0]?.[0] ?? 'lost') as AttemptState;
}

function toFenced(row: readonly unknown[]): FencedStep {
  return { run: Number(row[0]), idx: Number(row[1]), fence: Number(row[2]) };
}
