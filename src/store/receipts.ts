import { intArray } from './array-literal.ts';
import { EVIDENCE_KINDS } from './codes.ts';
import type { Session, SqlValue } from './database.ts';

export interface StoredReceipt {
  readonly run: number;
  readonly payloadSha256: string;
  /** The signed statement, as canonical JSON. */
  readonly payload: string;
  /** DER, base64. */
  readonly signature: string;
  /** PEM, SPKI. */
  readonly publicKey: string;
}

/** The first receipt of a run stands, and closes it in the register; a second one is dropped. */
export async function saveReceipts(session: Session, receipts: readonly StoredReceipt[]): Promise<void> {
  if (receipts.length === 0) return;
  // One parameter per value: array literals would quote every quote of the payloads.
  const values: SqlValue[] = receipts.flatMap((r) => [r.run, r.payloadSha256, r.payload, r.signature, r.publicKey]);
  const rows = receipts.map(
    (_, i) => `($${5 * i + 1}::bigint, $${5 * i + 2}, $${5 * i + 3}, $${5 * i + 4}, $${5 * i + 5})`,
  );
  await session.query(
    '',
    `with born as (
       insert into receipt (run_id, payload_sha256, payload, signature, public_key) values ${rows.join(', ')}
       on conflict do nothing returning run_id)
     insert into evidence_queue (run_id, kind) select run_id, ${EVIDENCE_KINDS.close} from born`,
    values,
  );
}

export async function readReceipt(session: Session, run: number): Promise<StoredReceipt | undefined> {
  const rows = await session.query(
    'receipt_read',
    'select payload_sha256, payload, signature, public_key from receipt where run_id = $1',
    [run],
  );
  const row = rows[0];
  if (!row) return undefined;
  return {
    run,
    payloadSha256: String(row[0]),
    payload: String(row[1]),
    signature: String(row[2]),
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
