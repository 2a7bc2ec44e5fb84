import type { Session } from './database.ts';

/** What signs a pack, by the digest of what was signed. */
export interface DisclosureSignature {
  readonly payloadSha256: string;
  /** DER, base64. */
  readonly signature: string;
  /** PEM, SPKI. */
  readonly publicKey: string;
}

/** Of one run: a few, one for each pack of it that ever was. */
export async function disclosureSignatures(session: Session, run: number): Promise<readonly DisclosureSignature[]> {
  const rows = await session.query(
    'disclosure_read',
    'select payload_sha256, signature, public_key from disclosure where run_id = $1 order by public_key, payload_sha256',
    [run],
  );
  return rows.map(([payloadSha256, signature, publicKey]) => ({
    payloadSha256: String(payloadSha256),
    signature: String(signature),
    publicKey: String(publicKey),
  }));
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
