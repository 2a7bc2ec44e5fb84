import type { JsonObject } from '../base/json.ts';
import type { RunEventType } from '../protocol/event.ts';
import { textArray } from './array-literal.ts';
import { codeOf, EVENT_TYPES, nameOf } from './codes.ts';
import type { Session } from './database.ts';

export interface StoredEvent {
  readonly seq: number;
  readonly idx: number | null;
  readonly type: RunEventType;
  readonly attempt: number | null;
  readonly at: Date;
  readonly data: JsonObject;
}

/**
 * Events of a run after the given number, in the order in which they became visible.
 *
 * Only transactions below the oldest running one are read: nothing can appear before what was answered, so a row's
 * position is its number for ever.
 */
export async function readEvents(
  session: Session,
  run: number,
  afterSeq: number,
  limit: number,
): Promise<readonly StoredEvent[]> {
  const rows = await session.query(
    'events_read',
    `select seq, idx, kind, attempt, at, data from (
       select row_number() over (order by xid, id) as seq, idx, kind, attempt, at, data
       from event where run_id = $1 and xid < pg_snapshot_xmin(pg_current_snapshot())) e
     where seq > $2 order by seq limit $3`,
    [run, afterSeq, limit],
  );
  return rows.map((row) => ({
    seq: Number(row[0]),
    idx: row[1] === null ? null : Number(row[1]),
    type: nameOf(EVENT_TYPES, row[2]) as RunEventType,
    attempt: row[3] === null ? null : Number(row[3]),
    at: row[4] as Date,
    data: (row[5] ?? {}) as JsonObject,
  }));
}

/** Whether the event that ends the story of a run, the signing of its receipt, can be read. */
export async function hasLastEvent(session: Session, run: number): Promise<boolean> {
  const rows = await session.query(
    'event_last',
    'select 1 from event where run_id = $1 and kind = $2 and xid < pg_snapshot_xmin(pg_current_snapshot()) limit 1',
    [run, codeOf(EVENT_TYPES, 'receipt.signed')],
  );
  return rows.length > 0;
}

/** How many events each run has, by its public id. */
export async function eventCounts(session: Session, keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await session.query(
    'event_counts',
    `select r.key, (select count(*) from event e where e.run_id = r.id)::int from run r where r.key = any ($1::text[])`,
    [textArray(keys)],
  );
  return new Map(rows.map((row) => [String(row[0]), Number(row[1])]));
}

/** When a step began to wait as it does now; undefined where it never waited. */
export async function heldAt(session: Session, run: number, idx: number): Promise<Date | undefined> {
  const [row] = await session.query(
    'event_held_at',
    'select at from event where run_id = $1 and idx = $2 and kind in ($3, $4) order by id desc limit 1',
    [run, idx, codeOf(EVENT_TYPES, 'approval.requested'), codeOf(EVENT_TYPES, 'step.held')],
  );
  return row?.[0] as Date | undefined;
}
