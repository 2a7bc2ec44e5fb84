import { intArray, textArray } from './array-literal.ts';
import type { Session } from './database.ts';

export interface StoredReceipt {
  readonly run: number;
  readonly payloadSha256: string;
  readonly runRecord: string;
  readonly bundle: string;
  readonly publicKey: string;
}

/** The first receipt of a run stands; a second one is dropped. */
export async function saveReceipts(session: Session, receipts: readonly StoredReceipt[]): Promise<void> {
  await session.query(
    'receipts_save',
    `insert into receipt (run_id, payload_sha256, run_record, bundle, public_key)
     select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) on conflict do nothing`,
    [
      intArray(receipts.map((r) => r.run)),
      textArray(receipts.map((r) => r.payloadSha256)),
      textArray(receipts.map((r) => r.runRecord)),
      textArray(receipts.map((r) => r.bundle)),
      textArray(receipts.map((r) => r.publicKey)),
    ],
  );
}

export async function readReceipt(session: Session, run: number): Promise<StoredReceipt | undefined> {
  const rows = await session.query(
    'receipt_read',
    'select payload_sha256, run_record, bundle, public_key from receipt where run_id = $1',
    [run],
  );
  const row = rows[0];
  if (!row) return undefined;
  return {
    run,
    payloadSha256: String(row[0]),
    runRecord: String(row[1]),
    bundle: String(row[2]),
    publicKey: String(row[3]),
  };
}

/** Identities of the receipts that exist, by run. */
export async function receiptIdentities(
  session: Session,
  runs: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const rows = await session.query(
    'receipt_identities',
    'select run_id, payload_sha256 from receipt where run_id = any ($1::bigint[])',
    [intArray(runs)],
  );
  return new Map(rows.map((row) => [Number(row[0]), String(row[1])]));
}
