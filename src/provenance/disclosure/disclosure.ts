import { digestBytes, hexOf } from '../../base/digest.ts';
import type { JsonObject } from '../../base/json.ts';
import { bundleOf } from '../envelope.ts';
import { readPublicKey } from '../public-key.ts';
import type { ReceiptPredicate } from '../receipt.ts';
import { type PackFiles, writeArchive } from './archive.ts';
import type { DisclosureFacts } from './disclosure-facts.ts';
import { disclosurePayload, SUMS_BUNDLE_NAME, SUMS_NAME } from './disclosure-statement.ts';
import { packFiles, sumsOf } from './pack-files.ts';

/** What fits into a mail and a release page. Logs give way; evidence is never cut. */
const DISCLOSURE_BYTES_GOAL = 2_000_000;
/** Of room for what signs the pack. */
const SIGNATURE_BYTES = 4096;
/** Text packs well: of more than that, not all of it would fit. */
export const LOG_BYTES_MAX = 8_000_000;
const TRIES_MAX = 6;

/** A pack that waits for its signature. */
export interface DisclosureDraft {
  readonly folder: string;
  readonly files: PackFiles;
  /** What is to be signed, a DSSE payload. */
  readonly payload: string;
}

/** Pure: equal facts give equal payloads on every machine. */
export async function draftDisclosure(facts: DisclosureFacts): Promise<DisclosureDraft> {
  const { predicate, receiptSha256 } = readReceipt(facts.receipt.bundle);
  const folder = `disclosure-${predicate.run.id}`;
  const files = await fitted(folder, (bytesMax) => packFiles({ facts, predicate, receiptSha256 }, bytesMax));
  const sums = sumsOf(files);
  files.set(SUMS_NAME, Buffer.from(sums));
  const { id: runId, attempt } = predicate.run;
  return { folder, files, payload: disclosurePayload(sums, { schemaVersion: '1', runId, attempt, receiptSha256 }) };
}

/**
 * The pack's bytes: a gzipped tar.
 * @param signed the draft's payload as it was signed: DER in base64, and the key in PEM
 */
export function sealDisclosure(
  { folder, files, payload }: DisclosureDraft,
  signed: { readonly signature: string; readonly publicKey: string },
): Promise<Uint8Array> {
  const bundle = bundleOf(payload, signed.signature, readPublicKey(signed.publicKey)?.hint ?? '');
  return writeArchive(folder, new Map([...files, [SUMS_BUNDLE_NAME, Buffer.from(bundle)]]));
}

/** Leaves out as much of the logs as it takes. */
async function fitted(
  folder: string,
  make: (logBytesMax: number) => Map<string, Uint8Array>,
): Promise<Map<string, Uint8Array>> {
  let logBytesMax = LOG_BYTES_MAX;
  for (let tries = 1; ; tries++) {
    const files = make(logBytesMax);
    const { byteLength } = await writeArchive(folder, files);
    if (byteLength + SIGNATURE_BYTES <= DISCLOSURE_BYTES_GOAL || tries === TRIES_MAX || logBytesMax === 0) return files;
    logBytesMax = tries === TRIES_MAX - 1 ? 0 : Math.floor(logBytesMax / 4);
  }
}

interface ReadReceipt {
  readonly predicate: ReceiptPredicate;
  readonly receiptSha256: string;
}

/** Of a bundle that this Maestro signed itself. */
function readReceipt(bundle: string): ReadReceipt {
  const { dsseEnvelope } = JSON.parse(bundle) as { readonly dsseEnvelope: { readonly payload: string } };
  const payload = Buffer.from(dsseEnvelope.payload, 'base64');
  const { predicate } = JSON.parse(payload.toString()) as JsonObject;
  return { predicate: predicate as unknown as ReceiptPredicate, receiptSha256: hexOf(digestBytes(payload)) };
}
