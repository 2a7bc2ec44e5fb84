import { type Digest, digestBytes, hexOf } from '../base/digest.ts';
import { checkLedger, checkRelations } from './check-ledger.ts';
import { checkPolicy } from './check-policy.ts';
import { checkStatus, checkSteps } from './check-steps.ts';
import { openEnvelope } from './open-envelope.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';
import { readStatement } from './read-statement.ts';
import {
  deriveSubjects,
  PAYLOAD_BYTES_MAX,
  type ReceiptPredicate,
  type ReceiptStatement,
  recordOf,
} from './receipt.ts';
import { RUN_RECORD_NAME, runRecordText } from './run-record.ts';
import { parseCanonicalJson } from './strict-json.ts';
import { demand } from './verification-error.ts';

export interface VerifyRequest extends ReceiptClaims {
  /** Bytes of the sigstore bundle. */
  readonly bundle: Uint8Array;
  /** Whom to trust: PEM of one P-256 public key, or several keys with what is known about them. */
  readonly key: string | readonly TrustedKey[];
}

/** What the receipt must be about. */
export interface ReceiptClaims {
  /** Bytes of `run.json`. */
  readonly runRecord?: Uint8Array;
  /** Files that must be outputs of the run. */
  readonly artifacts?: readonly ArtifactClaim[];
  /** Which run it must be: a receipt that is valid but of another run is refused. */
  readonly expected?: ExpectedRun;
}

export interface TrustedKey {
  readonly publicKeyPem: string;
  /** RFC 3339. Held against the end of the run *as the receipt states it*: without a timestamp nobody else vouches for it. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly isRevoked?: boolean;
}

export interface ArtifactClaim {
  readonly digest: Digest;
  /** The subject's whole name, or its last part after a `/`. */
  readonly name?: string;
}

export interface ExpectedRun {
  readonly runId?: string;
  readonly attempt?: number;
  /** The pipeline's name, compared whole. */
  readonly pipeline?: string;
  /** `run.source.uri`, compared whole: `acme/app` is not `acme/app-evil`. */
  readonly repository?: string;
}

export interface VerifiedReceipt {
  /** The receipt's identity. Not the bundle's digest: ECDSA gives a payload many signatures that hold. */
  readonly payloadSha256: string;
  readonly keyHint: string;
  readonly statement: ReceiptStatement;
  /** `run.json` as the receipt implies it, byte for byte. */
  readonly runRecord: string;
}

/**
 * Checks a receipt offline: who signed it, that nothing was changed, that it does not contradict itself, and that it is
 * about what the caller holds.
 *
 * Throws VerificationError; its code says which check refused the receipt. Nothing of the payload is read before its
 * signature holds.
 */
export function verifyReceipt(request: VerifyRequest): VerifiedReceipt {
  const keys = readTrustedKeys(request.key);
  const { payload, keyHint } = openEnvelope(request.bundle, (hint) => findKey(keys, hint));
  return {
    ...checkReceipt(payload, request, (predicate) => checkKeyPeriod(keys, keyHint, predicate)),
    keyHint,
  };
}

/**
 * What a signed payload says: whether it is a receipt, does not contradict itself, and is about what the caller holds.
 * @param checkSigner whether who signed it could, at the time that it states
 */
export function checkReceipt(
  payload: Buffer,
  claims: ReceiptClaims,
  checkSigner: (predicate: ReceiptPredicate) => void = () => {},
): Omit<VerifiedReceipt, 'keyHint'> {
  const statement = readStatement(parseCanonicalJson(payload, PAYLOAD_BYTES_MAX));
  const predicate = statement.predicate;
  checkSigner(predicate);
  checkSteps(predicate);
  checkStatus(predicate);
  checkPolicy(predicate);
  checkLedger(predicate);
  checkRelations(predicate);
  const runRecord = checkSubjects(statement);
  checkRunRecord(runRecord, claims.runRecord);
  checkArtifacts(statement, claims.artifacts ?? []);
  checkExpected(predicate, claims.expected ?? {});
  return { payloadSha256: hexOf(digestBytes(payload)), statement, runRecord };
}

/** The trusted key that a bundle's hint names. @throws VerificationError KEY_INVALID, KEY_UNKNOWN, KEY_REVOKED */
export function keyFinder(key: VerifyRequest['key']): (hint: string) => PublicKey {
  const keys = readTrustedKeys(key);
  return (hint) => findKey(keys, hint);
}

export interface KeyEntry {
  readonly key: PublicKey;
  readonly trust: TrustedKey;
}

export function readTrustedKeys(key: string | readonly TrustedKey[]): Map<string, KeyEntry> {
  const given = typeof key === 'string' ? [{ publicKeyPem: key }] : key;
  return new Map(
    given.map((trust) => {
      const key = readPublicKey(trust.publicKeyPem);
      demand(key !== undefined, 'KEY_INVALID', 'expected the PEM of one P-256 public key (-----BEGIN PUBLIC KEY-----)');
      return [key.hint, { key, trust }];
    }),
  );
}

export function findKey(keys: ReadonlyMap<string, KeyEntry>, hint: string): PublicKey {
  const entry = keys.get(hint);
  demand(entry !== undefined, 'KEY_UNKNOWN', 'the receipt is signed by a key that is not trusted here');
  demand(entry.trust.isRevoked !== true, 'KEY_REVOKED', 'the receipt is signed by a key that was revoked');
  return entry.key;
}

function checkKeyPeriod(keys: ReadonlyMap<string, KeyEntry>, hint: string, { run }: ReceiptPredicate): void {
  const isInForce = isKeyInForce(keys.get(hint)?.trust ?? {}, run.finishedOn);
  demand(isInForce, 'KEY_OUT_OF_DATE', `the run ended on ${run.finishedOn}, when its key was not in force`);
}

/** @param at RFC 3339 */
export function isKeyInForce({ notBefore, notAfter }: Pick<TrustedKey, 'notBefore' | 'notAfter'>, at: string): boolean {
  const time = Date.parse(at);
  const isEarly = notBefore !== undefined && !(time >= Date.parse(notBefore));
  const isLate = notAfter !== undefined && !(time <= Date.parse(notAfter));
  return !isEarly && !isLate;
}

/** The subjects are the run record that the predicate implies, and the outputs. Returns that record's text. */
function checkSubjects({ subject, predicate }: ReceiptStatement): string {
  const runRecord = runRecordText(recordOf(predicate));
  const expected = deriveSubjects(digestBytes(runRecord), predicate.outputs);
  const isEqual =
    expected.length === subject.length &&
    expected.every(
      ({ name, digest }, index) => name === subject[index]?.name && digest.sha256 === subject[index].digest.sha256,
    );
  demand(isEqual, 'SUBJECT_MISMATCH', 'the subjects are not the run record and the outputs of the run');
  return runRecord;
}

function checkRunRecord(expected: string, given: Uint8Array | undefined): void {
  const isEqual = given === undefined || Buffer.from(expected).equals(given);
  demand(isEqual, 'SUBJECT_MISMATCH', `${RUN_RECORD_NAME} is not the one that the receipt is about`);
}

function checkArtifacts({ subject }: ReceiptStatement, claims: readonly ArtifactClaim[]): void {
  for (const { name, digest } of claims) {
    const named = subject.filter((s) => name === undefined || s.name === name || s.name.endsWith(`/${name}`));
    const isSubject = named.some((s) => s.digest.sha256 === hexOf(digest));
    demand(isSubject, 'SUBJECT_MISMATCH', `the run did not make ${name ?? 'a file'} with digest ${digest}`);
  }
}

function checkExpected({ run }: ReceiptPredicate, expected: ExpectedRun): void {
  const pairs = [
    ['run', expected.runId, run.id],
    ['attempt', expected.attempt, run.attempt],
    ['pipeline', expected.pipeline, run.pipeline.name],
    ['repository', expected.repository, run.source.uri],
  ] as const;
  for (const [what, wanted, found] of pairs) {
    demand(
      wanted === undefined || wanted === found,
      'RUN_MISMATCH',
      `expected ${what} ${wanted}, the receipt is of ${found}`,
    );
  }
}
