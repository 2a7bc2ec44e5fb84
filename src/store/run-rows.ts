import type { JsonObject } from '../base/json.ts';
import type { RunRelation, RunTrigger } from '../protocol/client.ts';
import type { HoldKind, RunStatus } from '../protocol/run.ts';
import { intArray } from './array-literal.ts';
import { HOLDS, nameOf, RUN_STATES, STEP_STATES, type StepState } from './codes.ts';
import type { Row, Session } from './database.ts';

export interface RunRow {
  readonly id: number;
  readonly key: string;
  readonly planId: number;
  readonly status: RunStatus;
  readonly flags: number;
  readonly attempt: number;
  readonly nonce: string;
  readonly trigger: RunTrigger;
  readonly relations: readonly RunRelation[];
  readonly decisionId: number | null;
  readonly concurrencyGroup: string | null;
  readonly pool: string;
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly namespaceId: number;
}

export interface StepRow {
  readonly run: number;
  readonly idx: number;
  readonly status: StepState;
  readonly pending: number;
  readonly flags: number;
  readonly attempt: number;
  readonly retries: number;
  readonly iteration: number;
  readonly fence: number;
  readonly worker: number | null;
  readonly decisionId: number | null;
  readonly hold: HoldKind | null;
  readonly generation: number;
  readonly dueAt: Date | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly reason: string | null;
  /** What the worker said, and what the engine noted: see engine/outcome-note.ts. */
  readonly outcome: JsonObject;
}

const RUN_COLUMNS =
  'id, key, plan_id, state, flags, attempt, nonce, trigger, relations, decision_id, concurrency_group, pool, reason, created_at, started_at, finished_at, namespace_id';
const STEP_COLUMNS =
  'run_id, idx, state, pending, flags, attempt, retries, iteration, fence, worker, decision_id, hold, generation, due_at, started_at, finished_at, reason, outcome::text';

export async function loadRuns(session: Session, ids: readonly number[]): Promise<readonly RunRow[]> {
  const rows = await session.query(
    'runs_load',
    `select ${RUN_COLUMNS} from run where id = any ($1::bigint[]) order by id`,
    [intArray(ids)],
  );
  return rows.map(toRunRow);
}

/**
 * Locks whole runs against ticks and other settlers, by advisory locks in order. Ticks hold the same locks shared (see
 * 0002_tick.sql): rows are read after that, so nothing is missed that others inserted while this one waited.
 */
export async function lockRuns(
  session: Session,
  ids: readonly number[],
): Promise<{ readonly runs: readonly RunRow[]; readonly steps: readonly StepRow[] }> {
  const wanted = intArray(ids);
  await session.query(
    'runs_claim',
    `select pg_advisory_xact_lock(7309, b.bucket)
     from (select distinct (r % 256)::int as bucket from unnest($1::bigint[]) as r order by 1) b`,
    [wanted],
  );
  const steps = await loadSteps(session, ids);
  const runs = await session.query(
    'runs_lock',
    `select ${RUN_COLUMNS} from run where id = any ($1::bigint[]) order by id for update`,
    [wanted],
  );
  return { runs: runs.map(toRunRow), steps };
}

export async function loadSteps(session: Session, ids: readonly number[]): Promise<readonly StepRow[]> {
  const rows = await session.query(
    'steps_load',
    `select ${STEP_COLUMNS} from step where run_id = any ($1::bigint[]) order by run_id, idx`,
    [intArray(ids)],
  );
  return rows.map(toStepRow);
}

/** Outcomes of single steps: what an expression may read of them. */
export async function loadOutcomes(
  session: Session,
  wanted: readonly { readonly run: number; readonly idx: number }[],
): Promise<readonly StepRow[]> {
  const rows = await session.query(
    'outcomes_load',
    `select ${STEP_COLUMNS.split(', ')
      .map((column) => `s.${column}`)
      .join(', ')}
     from unnest($1::bigint[], $2::int[]) as w (run_id, idx) join step s on s.run_id = w.run_id and s.idx = w.idx`,
    [intArray(wanted.map((one) => one.run)), intArray(wanted.map((one) => one.idx))],
  );
  return rows.map(toStepRow);
}

/** Run numbers of a whole key, or of a prefix; at most two, since more than one is already ambiguous. */
export async function findRuns(
  session: Session,
  keyPrefix: string,
): Promise<readonly { readonly id: number; readonly key: string }[]> {
  const rows = await session.query(
    'run_find',
    'select id, key from run where key >= $1 and key < $2 order by key limit 2',
    [keyPrefix, `${keyPrefix}~`],
  );
  return rows.map((row) => ({ id: Number(row[0]), key: String(row[1]) }));
}

export async function findByIdempotencyKey(session: Session, key: string): Promise<number | undefined> {
  const rows = await session.query('run_by_idempotency', 'select id from run where idempotency_key = $1', [key]);
  return rows[0] ? Number(rows[0][0]) : undefined;
}

export async function latestRuns(session: Session, limit: number): Promise<readonly number[]> {
  const rows = await session.query('runs_latest', 'select id from run order by id desc limit $1', [limit]);
  return rows.map((row) => Number(row[0]));
}

function toRunRow(row: Row): RunRow {
  return {
    id: Number(row[0]),
    key: String(row[1]),
    planId: Number(row[2]),
    status: nameOf(RUN_STATES, row[3]),
    flags: Number(row[4]),
    attempt: Number(row[5]),
    nonce: String(row[6]),
    trigger: row[7] as RunTrigger,
    relations: row[8] as readonly RunRelation[],
    decisionId: numberOrNull(row[9]),
    concurrencyGroup: (row[10] ?? null) as string | null,
    pool: String(row[11]),
    reason: (row[12] ?? null) as string | null,
    createdAt: row[13] as Date,
    startedAt: (row[14] ?? null) as Date | null,
    finishedAt: (row[15] ?? null) as Date | null,
    namespaceId: Number(row[16]),
  };
}

function toStepRow(row: Row): StepRow {
  return Object.assign(new OutcomeText((row[17] ?? null) as string | null), {
    run: Number(row[0]),
    idx: Number(row[1]),
    status: nameOf(STEP_STATES, row[2]),
    pending: Number(row[3]),
    flags: Number(row[4]),
    attempt: Number(row[5]),
    retries: Number(row[6]),
    iteration: Number(row[7]),
    fence: Number(row[8]),
    worker: numberOrNull(row[9]),
    decisionId: numberOrNull(row[10]),
    hold: row[11] === null ? null : nameOf(HOLDS, row[11]),
    generation: Number(row[12]),
    dueAt: (row[13] ?? null) as Date | null,
    startedAt: (row[14] ?? null) as Date | null,
    finishedAt: (row[15] ?? null) as Date | null,
    reason: (row[16] ?? null) as string | null,
  });
}

/** Read each time that it is asked for: as text the outcomes of a run take a fraction of the memory, and few are asked for. */
class OutcomeText {
  readonly #text: string | null;

  constructor(text: string | null) {
    this.#text = text;
  }

  get outcome(): JsonObject {
    return this.#text === null ? {} : (JSON.parse(this.#text) as JsonObject);
  }
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
