import { intArray } from './array-literal.ts';
import type { Session } from './database.ts';

/** What the outcome of one attempt takes of that which all outcomes of its run may. */
export interface OutcomeShare {
  readonly idx: number;
  readonly fence: number;
  readonly bytes: number;
  /** Of the receipt. */
  readonly receiptBytes: number;
}

/** Of all steps of a run together. */
export interface ShareLimits {
  readonly bytesMax: number;
  readonly receiptBytesMax: number;
}

/**
 * Takes room for the outcomes of steps that the worker holds; false where their run has too little left, and then none of
 * them has any. Of a step's attempts the largest counts, so outcomes that are sent twice are counted once.
 */
export async function takeShares(
  session: Session,
  worker: number,
  run: number,
  shares: readonly OutcomeShare[],
  { bytesMax, receiptBytesMax }: ShareLimits,
): Promise<boolean> {
  const rows = await session.query(
    'outcome_shares_take',
    `with more as (
       select c.idx, max(c.bytes) as bytes, max(c.receipt_bytes) as receipt_bytes,
         greatest(0, max(c.bytes) - coalesce(max(o.bytes), 0)) as more_bytes,
         greatest(0, max(c.receipt_bytes) - coalesce(max(o.receipt_bytes), 0)) as more_receipt_bytes
       from unnest($3::int[], $4::int[], $5::int[], $6::int[]) as c (idx, fence, bytes, receipt_bytes)
       join step s on s.run_id = $2 and s.idx = c.idx and s.fence = c.fence and s.worker = $1 and s.state in (3, 4)
       left join outcome_share o on o.run_id = $2 and o.idx = c.idx
       group by c.idx),
     sums as (select sum(more_bytes) as bytes, sum(more_receipt_bytes) as receipt_bytes from more having count(*) > 0),
     fits as (
       insert into run_share as r (run_id, bytes, receipt_bytes)
       select $2, bytes, receipt_bytes from sums where bytes <= $7 and receipt_bytes <= $8
       on conflict (run_id) do update
         set bytes = r.bytes + excluded.bytes, receipt_bytes = r.receipt_bytes + excluded.receipt_bytes
         where r.bytes + excluded.bytes <= $7 and r.receipt_bytes + excluded.receipt_bytes <= $8
       returning 1),
     kept as (
       insert into outcome_share as o (run_id, idx, bytes, receipt_bytes)
       select $2, idx, bytes, receipt_bytes from more where exists (select 1 from fits) order by idx
       on conflict (run_id, idx) do update set bytes = greatest(o.bytes, excluded.bytes),
         receipt_bytes = greatest(o.receipt_bytes, excluded.receipt_bytes))
     select not exists (select 1 from more) or exists (select 1 from fits)`,
    [
      worker,
      run,
      intArray(shares.map((one) => one.idx)),
      intArray(shares.map((one) => one.fence)),
      intArray(shares.map((one) => one.bytes)),
      intArray(shares.map((one) => one.receiptBytes)),
      bytesMax,
      receiptBytesMax,
    ],
  );
  return rows[0]?.[0] === true;
}

/** What the steps of a run have taken. */
export async function readShares(
  session: Session,
  run: number,
): Promise<{ readonly bytes: number; readonly receiptBytes: number }> {
  const rows = await session.query('run_share', 'select bytes, receipt_bytes from run_share where run_id = $1', [run]);
  return { bytes: Number(rows[0]?.[0] ?? 0), receiptBytes: Number(rows[0]?.[1] ?? 0) };
}

/** Results that a retry keeps take the same room in the new run. */
export async function copyShares(session: Session, from: number, to: number, idxs: readonly number[]): Promise<void> {
  await session.query(
    'outcome_shares_copy',
    `with copied as (
       insert into outcome_share (run_id, idx, bytes, receipt_bytes)
       select $2, idx, bytes, receipt_bytes from outcome_share where run_id = $1 and idx = any ($3::int[])
       returning bytes, receipt_bytes)
     insert into run_share (run_id, bytes, receipt_bytes)
     select $2, sum(bytes), sum(receipt_bytes) from copied having count(*) > 0`,
    [from, to, intArray(idxs)],
  );
}

/** Bytes of the outcomes of each run and of its receipt, as far as they are more than a few words per step. */
export async function shareBytes(session: Session, runs: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const rows = await session.query(
    'run_shares',
    'select run_id, bytes + receipt_bytes from run_share where run_id = any ($1::bigint[])',
    [intArray(runs)],
  );
  return new Map(rows.map((row) => [Number(row[0]), Number(row[1])]));
}

/** What the steps of each run take in memory at most: so much each, and what they left. */
export async function loadWeights(
  session: Session,
  runs: readonly number[],
  stepBytes: number,
): Promise<ReadonlyMap<number, number>> {
  const rows = await session.query(
    'run_weights',
    `select i.id, coalesce(s.bytes + s.receipt_bytes, 0) + coalesce(cardinality(p.pendings), 0) * $2::bigint
     from unnest($1::bigint[]) as i (id) left join run_share s on s.run_id = i.id
       left join run r on r.id = i.id left join plan p on p.id = r.plan_id`,
    [intArray(runs), stepBytes],
  );
  return new Map(rows.map((row) => [Number(row[0]), Number(row[1])]));
}
