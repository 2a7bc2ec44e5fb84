import type { Json } from '../base/json.ts';
import type { RunEventType } from '../protocol/event.ts';
import type { HoldKind, RunStatus } from '../protocol/run.ts';
import { intArray, textArray } from './array-literal.ts';
import {
  codeOf,
  EVENT_TYPES,
  EVIDENCE_KINDS,
  HOLDS,
  OUTBOX_KINDS,
  RUN_STATES,
  STEP_STATES,
  type StepState,
} from './codes.ts';
import type { Session } from './database.ts';
import { jsonText } from './json-text.ts';

/** A step as it shall be. New rows are inserted. */
export interface StepChange {
  readonly run: number;
  readonly idx: number;
  readonly status: StepState;
  readonly pending: number;
  readonly flags: number;
  readonly retries: number;
  readonly iteration: number;
  readonly hold: HoldKind | null;
  readonly generation: number;
  readonly reason: string | null;
  readonly decisionId: number | null;
  /** Of the decision. */
  readonly packId: number;
  /** JSON of the newest attempt's outcome; null leaves what there is. */
  readonly outcome: string | null;
  /** Delay of the hold's timer; null where nothing but an answer ends it. */
  readonly delayMs: number | null;
  readonly isNew: boolean;
  /** For a new row. */
  readonly queue: number;
  readonly successors: readonly number[];
}

export interface RunChange {
  readonly run: number;
  readonly status: RunStatus;
  readonly flags: number;
  readonly sinksLeft: number;
  readonly reason: string | null;
  readonly concurrencyGroup: string | null;
}

export interface NewEvent {
  readonly run: number;
  readonly idx: number | null;
  readonly type: RunEventType;
  readonly attempt: number | null;
  readonly data: Json;
}

export interface DeadLetter {
  readonly run: number;
  readonly idx: number;
  readonly errorClass: string;
  readonly message: string;
}

export async function saveSteps(session: Session, changes: readonly StepChange[]): Promise<void> {
  await insertSteps(
    session,
    changes.filter((change) => change.isNew),
  );
  await updateSteps(session, changes);
  await enqueue(
    session,
    changes.filter((change) => change.status === 'ready'),
  );
  await setTimers(
    session,
    changes.filter((change) => change.delayMs !== null),
  );
}

/** Compensations: rows that a run did not begin with. */
async function insertSteps(session: Session, changes: readonly StepChange[]): Promise<void> {
  if (changes.length === 0) return;
  await session.query(
    'steps_insert',
    `insert into step (run_id, idx, state, pending, queue, succ)
     select r, i, 0, 1, c, s::int[] from unnest($1::bigint[], $2::int[], $3::int[], $4::text[]) as t (r, i, c, s)
     order by r, i on conflict do nothing`,
    [
      intArray(changes.map((c) => c.run)),
      intArray(changes.map((c) => c.idx)),
      intArray(changes.map((c) => c.queue)),
      textArray(changes.map((c) => intArray(c.successors))),
    ],
  );
}

async function updateSteps(session: Session, changes: readonly StepChange[]): Promise<void> {
  if (changes.length === 0) return;
  await session.query(
    'steps_update',
    `update step s set state = c.state, pending = c.pending, flags = c.flags, retries = c.retries, iteration = c.iteration,
       hold = c.hold, generation = c.generation, reason = c.reason,
       decision_id = coalesce(c.decision_id, s.decision_id),
       pack = case when c.decision_id is not null then c.pack else s.pack end,
       due_at = now() + c.delay_ms * interval '1 millisecond',
       finished_at = case when c.state >= 5 then coalesce(s.finished_at, now()) end,
       worker = case when c.state in (3, 4) then s.worker end,
       outcome = coalesce(c.outcome::jsonb, s.outcome)
     from unnest($1::bigint[], $2::int[], $3::smallint[], $4::int[], $5::smallint[], $6::smallint[], $7::smallint[],
       $8::smallint[], $9::int[], $10::text[], $11::bigint[], $12::text[], $13::bigint[], $14::int[])
       as c (run_id, idx, state, pending, flags, retries, iteration, hold, generation, reason, decision_id, outcome, delay_ms, pack)
     where s.run_id = c.run_id and s.idx = c.idx`,
    [
      intArray(changes.map((c) => c.run)),
      intArray(changes.map((c) => c.idx)),
      intArray(changes.map((c) => codeOf(STEP_STATES, c.status))),
      intArray(changes.map((c) => c.pending)),
      intArray(changes.map((c) => c.flags)),
      intArray(changes.map((c) => c.retries)),
      intArray(changes.map((c) => c.iteration)),
      intArray(changes.map((c) => (c.hold === null ? null : codeOf(HOLDS, c.hold)))),
      intArray(changes.map((c) => c.generation)),
      textArray(changes.map((c) => c.reason)),
      intArray(changes.map((c) => c.decisionId)),
      textArray(changes.map((c) => c.outcome)),
      intArray(changes.map((c) => c.delayMs)),
      intArray(changes.map((c) => c.packId)),
    ],
  );
}

async function enqueue(session: Session, changes: readonly StepChange[]): Promise<void> {
  if (changes.length === 0) return;
  await session.query(
    'ready_insert',
    `insert into ready (queue, run_id, idx) select s.queue, s.run_id, s.idx
     from unnest($1::bigint[], $2::int[]) with ordinality as c (run_id, idx, ord) join step s on s.run_id = c.run_id and s.idx = c.idx order by c.ord`,
    [intArray(changes.map((c) => c.run)), intArray(changes.map((c) => c.idx))],
  );
}

async function setTimers(session: Session, changes: readonly StepChange[]): Promise<void> {
  if (changes.length === 0) return;
  await session.query(
    'timer_set',
    `insert into timer (run_id, idx, kind, generation, due_at)
     select r, i, 1, g, now() + d * interval '1 millisecond' from unnest($1::bigint[], $2::int[], $3::int[], $4::bigint[]) as t (r, i, g, d)
     on conflict (run_id, idx, kind) do update set generation = excluded.generation, due_at = excluded.due_at`,
    [
      intArray(changes.map((c) => c.run)),
      intArray(changes.map((c) => c.idx)),
      intArray(changes.map((c) => c.generation)),
      intArray(changes.map((c) => c.delayMs)),
    ],
  );
}

/**
 * A run that becomes final leaves its receipt, and the next of its group, to be done; one that waits no longer, its leaf of
 * the register.
 */
export async function saveRuns(session: Session, changes: readonly RunChange[]): Promise<void> {
  if (changes.length === 0) return;
  await session.query(
    'runs_update',
    `with c as (
       select * from unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::int[], $5::text[]) as t (id, state, flags, sinks_left, reason)),
     u as (
       update run r set state = c.state, flags = c.flags, sinks_left = c.sinks_left, reason = coalesce(c.reason, r.reason),
         started_at = case when c.state = 1 then coalesce(r.started_at, now()) else r.started_at end,
         finished_at = case when c.state >= 3 then now() end
       from c join run o on o.id = c.id where r.id = c.id returning r.id, r.state, r.concurrency_group, o.state as was),
     logged as (
       insert into evidence_queue (run_id, kind)
       select id, ${EVIDENCE_KINDS.open} from u where was = ${codeOf(RUN_STATES, 'queued')} and state <> was)
     insert into outbox (kind, run_id)
     select ${OUTBOX_KINDS.seal}, id from u where state >= 3
     union all select ${OUTBOX_KINDS.group}, id from u where state >= 3 and concurrency_group is not null`,
    [
      intArray(changes.map((c) => c.run)),
      intArray(changes.map((c) => codeOf(RUN_STATES, c.status))),
      intArray(changes.map((c) => c.flags)),
      intArray(changes.map((c) => c.sinksLeft)),
      textArray(changes.map((c) => c.reason)),
    ],
  );
}

export async function addEvents(session: Session, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await session.query(
    'events_insert',
    `insert into event (run_id, idx, kind, attempt, data)
     select r, i, k, a, d::jsonb from unnest($1::bigint[], $2::int[], $3::smallint[], $4::smallint[], $5::text[]) with ordinality as t (r, i, k, a, d, ord) order by ord`,
    [
      intArray(events.map((e) => e.run)),
      intArray(events.map((e) => e.idx)),
      intArray(events.map((e) => codeOf(EVENT_TYPES, e.type))),
      intArray(events.map((e) => e.attempt)),
      textArray(events.map((e) => (e.data === null ? null : jsonText(e.data)))),
    ],
  );
}

export async function addDeadLetters(session: Session, letters: readonly DeadLetter[]): Promise<void> {
  if (letters.length === 0) return;
  await session.query(
    'dead_letter_insert',
    `insert into dead_letter (run_id, idx, error_class, message)
     select * from unnest($1::bigint[], $2::int[], $3::text[], $4::text[]) on conflict (run_id, idx) do update set message = excluded.message, at = now()`,
    [
      intArray(letters.map((l) => l.run)),
      intArray(letters.map((l) => l.idx)),
      textArray(letters.map((l) => l.errorClass)),
      textArray(letters.map((l) => l.message)),
    ],
  );
}
