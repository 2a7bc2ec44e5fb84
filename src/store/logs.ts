import { gunzipSync, gzipSync } from 'node:zlib';
import { intArray } from './array-literal.ts';
import type { Session } from './database.ts';

export interface NewLogChunk {
  readonly run: number;
  readonly idx: number;
  readonly fence: number;
  readonly seq: number;
  readonly text: string;
}

export interface StoredLogChunk {
  readonly idx: number;
  readonly fence: number;
  readonly seq: number;
  readonly attempt: number;
  readonly text: string;
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

/** Chunks of a run, or of one step, behind a position; in the order of the plan, then of the attempts. */
export async function readLogChunks(
  session: Session,
  run: number,
  idx: number | null,
  after: { readonly idx: number; readonly fence: number; readonly seq: number },
  limit: number,
): Promise<readonly StoredLogChunk[]> {
  const rows = await session.query(
    'log_read',
    `select idx, fence, seq, attempt, body from log_chunk
     where run_id = $1 and ($2::int is null or idx = $2) and (idx, fence, seq) > ($3, $4, $5) order by idx, fence, seq limit $6`,
    [run, idx, after.idx, after.fence, after.seq, limit],
  );
  return rows.map((row) => ({
    idx: Number(row[0]),
    fence: Number(row[1]),
    seq: Number(row[2]),
    attempt: Number(row[3]),
    text: gunzipSync(row[4] as Uint8Array).toString('utf8'),
  }));
}
