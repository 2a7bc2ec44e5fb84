import { gunzipSync, gzipSync } from 'node:zlib';
import { intArray } from './array-literal.ts';
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

/** Stores chunks whose fence is that of the running attempt, each once. Answers how many of them named a lease that is held. */
export async function addLogChunks(session: Session, worker: number, chunks: readonly NewLogChunk[]): Promise<number> {
  const bodies = chunks.map((chunk) => `"\\\\x${gzipSync(chunk.text, { level: 1 }).toString('hex')}"`);
  const rows = await session.query(
    'log_insert',
    `with c as (
       select c.*, s.attempt from unnest($2::bigint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::bytea[]) as c (run_id, idx, fence, seq, size_bytes, body)
       join step s on s.run_id = c.run_id and s.idx = c.idx and s.fence = c.fence and s.worker = $1 and s.state in (3, 4)),
     i as (
       insert into log_chunk (run_id, idx, fence, seq, attempt, size_bytes, body)
       select run_id, idx, fence, seq, attempt, size_bytes, body from c on conflict do nothing)
     select count(*)::int from c`,
    [
      worker,
      intArray(chunks.map((c) => c.run)),
      intArray(chunks.map((c) => c.idx)),
      intArray(chunks.map((c) => c.fence)),
      intArray(chunks.map((c) => c.seq)),
      intArray(chunks.map((c) => Buffer.byteLength(c.text))),
      `{${bodies.join(',')}}`,
    ],
  );
  return Number(rows[0]?.[0]);
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
