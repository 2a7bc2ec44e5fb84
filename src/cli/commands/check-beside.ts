import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { canonicalJson } from '../../base/canonical-json.ts';
import { type Digest, digestBytes } from '../../base/digest.ts';
import { isJsonObject, type Json } from '../../base/json.ts';
import { PREDICATE_TYPES } from '../../provenance/attestations/predicate-types.ts';
import { verifyTyped } from '../../provenance/attestations/verify-attestation.ts';
import { bundleAround } from '../../provenance/envelope.ts';
import { BUNDLE_BYTES_MAX } from '../../provenance/open-envelope.ts';
import type { OutputRecord } from '../../provenance/receipt.ts';
import { demand } from '../../provenance/verification-error.ts';
import { readTrustedKeys, type TrustedKey, type VerifiedReceipt } from '../../provenance/verify.ts';
import { digestOfFile } from '../file-digest.ts';

/** What lies in the folder of a receipt, by name. */
export interface FilesBeside {
  /** What the run made, and statements about that. */
  readonly held: readonly string[];
  /** Nothing of the receipt is about them. */
  readonly others: readonly string[];
}

/** What a receipt consists of and what carries a key is no file that the receipt could be about. */
const PAPERS = /^(?:receipt\.(?:keyless\.)?sigstore\.json|receipt\.tlog-proof|run\.json|SHA256SUMS|.*\.pub|\..*)$/;
const STATEMENT = /\.(?:sigstore\.json|intoto\.jsonl)$/;
/** The envelope of the gate's SLSA summary, without the bundle around it: what slsa-verifier reads. */
const SUMMARY = 'vsa.json';

/**
 * Holds the files of a folder to the receipt in it. One that is called as something the run made must be that; a statement that one of the
 * trusted keys signed must hold, and be about something that the run made. Of what nobody here can say anything, the name is told.
 * @throws VerificationError SUBJECT_MISMATCH, and those of `verifyTyped`
 */
export async function checkBeside(
  folder: string,
  { statement, runRecord }: Pick<VerifiedReceipt, 'statement' | 'runRecord'>,
  key: string | readonly TrustedKey[],
): Promise<FilesBeside> {
  const { outputs, run } = statement.predicate;
  const made = new Set<Digest>([...outputs.map(({ digest }) => digest), digestBytes(runRecord)]);
  const names = new Set(outputs.map(fileName));
  const [held, others]: [string[], string[]] = [[], []];
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (PAPERS.test(name) || !statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
    if (made.has(await digestOfFile(path))) held.push(name);
    else {
      demand(!names.has(name), 'SUBJECT_MISMATCH', `${name} is not what run ${run.id} made: its digest is another one`);
      (isStatement(path, name, { key, made, at: run.finishedOn }) ? held : others).push(name);
    }
  }
  return { held, others };
}

function fileName({ path }: OutputRecord): string {
  return basename(path);
}

interface Trust {
  readonly key: string | readonly TrustedKey[];
  readonly made: ReadonlySet<Digest>;
  readonly at: string;
}

/** Whether it is a statement of a key that is trusted: it must then hold. */
function isStatement(path: string, name: string, { key, made, at }: Trust): boolean {
  if (!(STATEMENT.test(name) || name === SUMMARY) || statSync(path).size > BUNDLE_BYTES_MAX) return false;
  const bytes = readFileSync(path);
  const document = parsed(bytes.toString());
  const bundles = name === SUMMARY ? around(document, key) : isKnown(document, key) ? [bytes] : [];
  if (bundles.length === 0) return false;
  const predicateType = name === SUMMARY ? PREDICATE_TYPES['verification-summary'] : typeIn(document);
  const { statement } = firstThatHolds(bundles, (bundle) => verifyTyped({ bundle, key, predicateType, at }));
  const isAbout = statement.subject.some(({ digest }) => made.has(`sha256:${digest.sha256}`));
  demand(isAbout, 'SUBJECT_MISMATCH', `${name} is about something that this run did not make`);
  return true;
}

/** An envelope without a bundle does not say whose it is. */
function around(envelope: Json, key: Trust['key']): readonly Uint8Array[] {
  if (!isJsonObject(envelope)) return [];
  return [...readTrustedKeys(key).keys()].map((hint) => Buffer.from(canonicalJson(bundleAround(envelope, hint))));
}

/** Each key is tried, and the refusal by the last one told. */
function firstThatHolds<T>(bundles: readonly Uint8Array[], verify: (bundle: Uint8Array) => T): T {
  for (const bundle of bundles.slice(0, -1)) {
    try {
      return verify(bundle);
    } catch {
      // The next one may have signed it.
    }
  }
  return verify(bundles.at(-1) ?? new Uint8Array());
}

function isKnown(bundle: Json, key: Trust['key']): boolean {
  const { publicKey } = objectOf(objectOf(bundle)['verificationMaterial']);
  const { hint } = objectOf(publicKey);
  return typeof hint === 'string' && readTrustedKeys(key).has(hint);
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** Of a payload that nobody has verified yet: whoever verifies it holds it to that type. */
function typeIn(bundle: Json): string {
  const { payload } = objectOf(objectOf(bundle)['dsseEnvelope']);
  const { predicateType } = objectOf(
    parsed(Buffer.from(typeof payload === 'string' ? payload : '', 'base64').toString()),
  );
  return typeof predicateType === 'string' ? predicateType : '';
}

function objectOf(value: Json | undefined) {
  return isJsonObject(value) ? value : {};
}
