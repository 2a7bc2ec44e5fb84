import type { Session } from './database.ts';

/** What signs a pack, by the digest of what was signed. */
export interface DisclosureSignature {
  readonly payloadSha256: string;
  /** DER, base64. */
  readonly signature: string;
  /** PEM, SPKI. */
  readonly publicKey: string;
}

export async function readDisclosureSignature(
  session: Session,
  run: number,
  payloadSha256: string,
): Promise<DisclosureSignature | undefined> {
  const rows = await session.query(
    'disclosure_read',
    'select signature, public_key from disclosure where run_id = $1 and payload_sha256 = $2',
    [run, payloadSha256],
  );
  const row = rows[0];
  return row && { payloadSha256, signature: String(row[0]), publicKey: String(row[1]) };
}

/** The first one stands, whoever else signed at the same moment. */
export async function saveDisclosureSignature(
  session: Session,
  run: number,
  { payloadSha256, signature, publicKey }: DisclosureSignature,
): Promise<void> {
  await session.query(
    'disclosure_save',
    `insert into disclosure (run_id, payload_sha256, signature, public_key) values ($1, $2, $3, $4) on conflict do nothing`,
    [run, payloadSha256, signature, publicKey],
  );
}
