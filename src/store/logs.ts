import { promisify } from 'node:util';
import { gunzipSync, gzip, gzipSync } from 'node:zlib';
import { intArray } from './array-literal.ts';
import { USAGE_KINDS } from './attempt-usage.ts';
import type { Row, Session } from './database.ts';

export interface NewLogChunk {
  readonly run: number;
  readonly idx: number;
  readonly fence: number;
  readonly seq: number;
  readonly text: string;
}

export interface StoredLogChunk {
  readonly idx: number;
  readonly attempt: number;
  readonly text: string;
  /** Behind this chunk. */
  readonly position: LogPosition;
}

/** Of one attempt. */
export interface LogLimits {
  readonly bytesMax: number;
  readonly chunksMax: number;
}

/**
 * Stores chunks whose fence is that of the running attempt, each once. `held`: how many of them named a lease that is held.
 * `isWhole` is false where an attempt has more to say than it may: those chunks of it are not stored.
 */
export async function addLogChunks(
  session: Session,
  worker: number,
  chunks: readonly NewLogChunk[],
  { bytesMax, chunksMax }: LogLimits,
): Promise<{ readonly held: number; readonly isWhole: boolean }> {
  const rows = await session.query(
    'log_insert',
    `with c as (
       select c.*, s.attempt from unnest($2::bigint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::bytea[]) as c (run_id, idx, fence, seq, size_bytes, body)
       join step s on s.run_id = c.run_id and s.idx = c.idx and s.fence = c.fence and s.worker = $1 and s.state in (3, 4)),
     fresh as (
       select c.* from c where not exists (
         select 1 from log_chunk l where l.run_id = c.run_id and l.idx = c.idx and l.fence = c.fence and l.seq = c.seq)),
     wanted as (
       select run_id, idx, fence, count(*)::int as count, sum(size_bytes) as bytes from fresh group by run_id, idx, fence),
     counted as (
       insert into attempt_usage as u (run_id, idx, fence, kind, count, bytes)
       select run_id, idx, fence, ${USAGE_KINDS.log}, count, bytes from wanted where count <= $9 and bytes <= $8
       on conflict (run_id, idx, fence, kind) do update set count = u.count + excluded.count, bytes = u.bytes + excluded.bytes
         where u.count + excluded.count <= $9 and u.bytes + excluded.bytes <= $8
       returning run_id, idx, fence),
     i as (
       insert into log_chunk (run_id, idx, fence, seq, attempt, size_bytes, body)
       select f.run_id, f.idx, f.fence, f.seq, f.attempt, f.size_bytes, f.body
       from fresh f join counted u on u.run_id = f.run_id and u.idx = f.idx and u.fence = f.fence on conflict do nothing)
     select (select count(*) from c)::int, (select count(*) from wanted) = (select count(*) from counted)`,
    [
      worker,
      intArray(chunks.map((c) => c.run)),
      intArray(chunks.map((c) => c.idx)),
      intArray(chunks.map((c) => c.fence)),
      intArray(chunks.map((c) => c.seq)),
      intArray(chunks.map((c) => Buffer.byteLength(c.text))),
      await bodiesOf(chunks),
      bytesMax,
      chunksMax,
    ],
  );
  return { held: Number(rows[0]?.[0]), isWhole: rows[0]?.[1] === true };
}

const packAsync = promisify(gzip);
/** Longer chunks are packed beside the event loop; for shorter ones the way there and back takes longer than the packing. */
const PACKED_AT_ONCE_CHARS_MAX = 8192;

/** Packed one after the other, as a bytea[] literal. */
async function bodiesOf(chunks: readonly NewLogChunk[]): Promise<string> {
  const bodies: string[] = [];
  for (const { text } of chunks) {
    const isShort = text.length <= PACKED_AT_ONCE_CHARS_MAX;
    const packed = isShort ? gzipSync(text, { level: 1 }) : await packAsync(text, { level: 1 });
    bodies.push(`"\\\\x${packed.toString('hex')}"`);
  }
  return `{${bodies.join(',')}}`;
}

/** Where a reader stands: behind a chunk. */
export type LogPosition = readonly [number | string, number, number];

/** Chunks of a run, or of one step, behind a position; in the order of the plan, then of the attempts. */
export async function readLogChunks(
  session: Session,
  run: number,
  idx: number | null,
  after: LogPosition,
  limit: number,
): Promise<readonly StoredLogChunk[]> {
  const rows = await session.query(
    'log_read',
    `select idx, attempt, body, idx, fence, seq from log_chunk
     where run_id = $1 and ($2::int is null or idx = $2) and (idx, fence, seq) > ($3, $4, $5) order by idx, fence, seq limit $6`,
    [run, idx, ...after, limit],
  );
  return rows.map((row) => toChunk(row, [Number(row[3]), Number(row[4]), Number(row[5])]));
}

/** Chunks in the order in which they became visible, for those who follow. Nothing appears before a position, as for events. */
export async function followLogChunks(
  session: Session,
  run: number,
  idx: number | null,
  after: LogPosition,
  limit: number,
): Promise<readonly StoredLogChunk[]> {
  const rows = await session.query(
    'log_follow',
    `select idx, attempt, body, xid::text, id from log_chunk
     where run_id = $1 and ($2::int is null or idx = $2) and (xid, id) > ($3::xid8, $4::bigint)
       and xid < pg_snapshot_xmin(pg_current_snapshot()) order by xid, id limit $5`,
    [run, idx, String(after[0]), after[1], limit],
  );
  return rows.map((row) => toChunk(row, [String(row[3]), Number(row[4]), 0]));
}

function toChunk(row: Row, position: LogPosition): StoredLogChunk {
  return {
    idx: Number(row[0]),
    attempt: Number(row[1]),
    text: gunzipSync(row[2] as Uint8Array).toString('utf8'),
    position,
  };
}
