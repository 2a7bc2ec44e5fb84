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
/** Of room for what signs the pack, and for a key of its own. */
const SIGNATURE_BYTES = 4096;
/** Text packs well: of more than that, not all of it would fit. */
export const LOG_BYTES_MAX = 8_000_000;
/** Of guesses at how much of the logs fits; each packs everything once, which takes a second. */
const GUESSES_MAX = 2;
/** Of what a guess says: the end of a log may pack worse than its beginning. */
const GUESS_SHARE = 0.9;

/** A pack that waits for its signature. */
export interface DisclosureDraft {
  readonly folder: string;
  readonly files: PackFiles;
  /** What is to be signed, a DSSE payload. */
  readonly payload: string;
}

/**
 * Pure: equal facts give equal payloads on every machine.
 * @param logBytesMax what `fittingLogBytes` said of the same facts, also with another key
 */
export async function draftDisclosure(facts: DisclosureFacts, logBytesMax?: number): Promise<DisclosureDraft> {
  const { predicate, receiptSha256 } = readReceipt(facts.receipt.bundle);
  const files = packFiles({ facts, predicate, receiptSha256 }, logBytesMax ?? (await fittingLogBytes(facts)));
  const sums = sumsOf(files);
  files.set(SUMS_NAME, Buffer.from(sums));
  const { id: runId, attempt } = predicate.run;
  const payload = disclosurePayload(sums, { schemaVersion: '1', runId, attempt, receiptSha256 });
  return { folder: folderOf(predicate), files, payload };
}

/**
 * How many bytes of logs a pack may hold, so that it stays small. Pure, and the same whichever key signs the pack: nothing is packed
 * to find out where there are no logs, or where all of it is small.
 */
export async function fittingLogBytes(facts: Omit<DisclosureFacts, 'packKey'>): Promise<number> {
  const logBytes = facts.logs.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  if (logBytes === 0) return 0;
  const run = { facts: { ...facts, packKey: facts.receipt.publicKey }, ...readReceipt(facts.receipt.bundle) };
  const [wholeBytes, goalBytes] = [Math.min(logBytes, LOG_BYTES_MAX), DISCLOSURE_BYTES_GOAL - SIGNATURE_BYTES];
  if (unpackedBytes(packFiles(run, wholeBytes)) <= goalBytes) return wholeBytes;
  return fit(wholeBytes, goalBytes, async (logBytesMax) => {
    const { byteLength } = await writeArchive(folderOf(run.predicate), packFiles(run, logBytesMax));
    return byteLength;
  });
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

/** All of it, or as much as is guessed from how the whole packs, or nothing where the evidence alone has no room. */
async function fit(
  wholeBytes: number,
  goalBytes: number,
  packedBytes: (logBytesMax: number) => Promise<number>,
): Promise<number> {
  let tried = { logBytes: wholeBytes, packed: await packedBytes(wholeBytes) };
  if (tried.packed <= goalBytes) return wholeBytes;
  const bare = await packedBytes(0);
  if (bare >= goalBytes) return 0;
  for (let guesses = 1; guesses <= GUESSES_MAX; guesses++) {
    const share = ((goalBytes - bare) / (tried.packed - bare)) * GUESS_SHARE;
    const logBytes = Math.floor(tried.logBytes * share);
    tried = { logBytes, packed: await packedBytes(logBytes) };
    if (tried.packed <= goalBytes) return logBytes;
  }
  return 0;
}

/** At most: packing makes nothing larger. */
function unpackedBytes(files: PackFiles): number {
  return [...files.values()].reduce((sum, { byteLength }) => sum + byteLength + ENTRY_BYTES_MAX, 0);
}

/** Of an entry of the archive, beside its content: a head, that of a long name, and what fills its last block. */
const ENTRY_BYTES_MAX = 2048;

function folderOf({ run }: ReceiptPredicate): string {
  return `disclosure-${run.id}`;
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
