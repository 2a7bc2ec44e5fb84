import { type Digest, digestBytes, hexOf } from '../../base/digest.ts';
import { PREDICATE_TYPES } from '../attestations/predicate-types.ts';
import { verifyTyped } from '../attestations/verify-attestation.ts';
import { type NoteKey, readVerifierKey } from '../evidence-log/note-key.ts';
import { type LoggedLeaf, verifyLogged } from '../evidence-log/verify-log.ts';
import { openEnvelope } from '../open-envelope.ts';
import type { ReceiptPredicate } from '../receipt.ts';
import { RUN_RECORD_NAME } from '../run-record.ts';
import { demand, VerificationError } from '../verification-error.ts';
import type { TrustedKey } from '../verify.ts';
import { type ArtifactClaim, type ExpectedRun, keyFinder, type VerifiedReceipt, verifyReceipt } from '../verify.ts';
import { type PackFiles, readArchive } from './archive.ts';
import { readDisclosurePayload, SUMS_BUNDLE_NAME, SUMS_NAME } from './disclosure-statement.ts';
import { type DisclosureManifest, MANIFEST_NAME, readManifest } from './manifest.ts';
import { LOG_KEY_NAME, PROOF_NAME, RECEIPT_NAME, sumsOf } from './pack-files.ts';

export interface VerifyDisclosureRequest extends DisclosureClaims {
  /** Bytes of the pack. */
  readonly archive: Uint8Array;
}

/** Whom to trust, and what the pack must be about. */
export interface DisclosureClaims {
  readonly key: string | readonly TrustedKey[];
  readonly artifacts?: readonly ArtifactClaim[];
  readonly expected?: ExpectedRun;
  /** Whose register the receipt must be in; absent: that of the key in the pack, where there is a proof. */
  readonly logKey?: NoteKey;
}

export interface VerifiedDisclosure {
  readonly receipt: VerifiedReceipt;
  readonly manifest: DisclosureManifest;
  readonly files: PackFiles;
  /** Where the receipt stands in the register; undefined where nothing shows that. */
  readonly logged: LoggedLeaf | undefined;
}

/**
 * Checks a disclosure pack offline: that the archive is nothing but its files, that the list of their digests is signed and true, that
 * the receipt holds, and that everything else in the pack is what the receipt speaks of.
 *
 * @throws VerificationError; its code says which check refused the pack. Nothing is written anywhere.
 */
export async function verifyDisclosure(request: VerifyDisclosureRequest): Promise<VerifiedDisclosure> {
  const { files } = await readArchive(request.archive);
  return verifyDisclosed(files, request);
}

/**
 * The same of a pack that was unpacked.
 * @param files by path below its folder: none but those of the pack
 * @throws VerificationError
 */
export function verifyDisclosed(files: PackFiles, claims: DisclosureClaims): VerifiedDisclosure {
  const { key, artifacts, expected, logKey } = claims;
  const signed = checkSums(files, key);
  const receipt = verifyReceipt({
    bundle: fileOf(files, RECEIPT_NAME),
    runRecord: fileOf(files, RUN_RECORD_NAME),
    key,
    ...(artifacts ? { artifacts } : {}),
    ...(expected ? { expected } : {}),
  });
  checkRun(signed.runId, signed, receipt, 'what was signed of the pack');
  const manifest = readManifest(fileOf(files, MANIFEST_NAME));
  const { predicate } = receipt.statement;
  checkRun(manifest.run.id, manifest.run, receipt, MANIFEST_NAME);
  checkLogs(files, manifest, predicate);
  checkPolicy(files, manifest, predicate);
  checkAttestations(files, manifest, key, predicate);
  const logged = checkRegister(files, receipt, logKey);
  return { receipt, manifest, files, logged };
}

function fileOf(files: PackFiles, path: string): Uint8Array {
  const content = files.get(path);
  demand(content !== undefined, 'PACK_FILE_MISMATCH', `the pack has no ${path}`);
  return content;
}

/** The signed list names every file, with the digest that it has. */
function checkSums(files: PackFiles, key: string | readonly TrustedKey[]) {
  const bundle = fileOf(files, SUMS_BUNDLE_NAME);
  const sums = Buffer.from(fileOf(files, SUMS_NAME)).toString();
  const { payload } = openEnvelope(bundle, keyFinder(key));
  const predicate = readDisclosurePayload(payload, sums);
  const listed = new Map([...files].filter(([path]) => path !== SUMS_NAME && path !== SUMS_BUNDLE_NAME));
  if (sumsOf(listed) !== sums) refuseFiles(listed, sums);
  return predicate;
}

/** Says which file it is. */
function refuseFiles(files: PackFiles, sums: string): never {
  const wanted = new Map(
    sums.split('\n').map((line) => [line.slice(line.indexOf('  ') + 2), line.slice(0, HEX_CHARS)]),
  );
  for (const [path, content] of files) {
    const digest = wanted.get(path);
    demand(digest !== undefined, 'PACK_FILE_MISMATCH', `${path} is not of the pack that was signed`);
    demand(digest === hexOf(digestBytes(content)), 'PACK_FILE_MISMATCH', `${path} was changed`);
  }
  const missing = [...wanted.keys()].find((path) => path !== '' && !files.has(path));
  throw new VerificationError(
    'PACK_FILE_MISMATCH',
    missing === undefined ? `${SUMS_NAME} is malformed` : `${missing} is missing`,
  );
}

const HEX_CHARS = 64;

function checkRun(
  runId: string,
  { attempt, receiptSha256 }: { readonly attempt: number; readonly receiptSha256: string },
  { payloadSha256, statement }: VerifiedReceipt,
  what: string,
): void {
  const { run } = statement.predicate;
  const isSame = run.id === runId && run.attempt === attempt && receiptSha256 === payloadSha256;
  demand(isSame, 'RUN_MISMATCH', `${what} is of another run than the receipt`);
}

function checkLogs(files: PackFiles, { logs }: DisclosureManifest, { steps }: ReceiptPredicate): void {
  const digests = new Map(steps.flatMap(({ id, logs: log }) => (log ? [[id, log.digest] as const] : [])));
  const isComplete = logs.length === digests.size && logs.every(({ stepId }) => digests.has(stepId));
  demand(isComplete, 'PACK_FILE_MISMATCH', 'the logs of the pack are not those of the steps that have one');
  for (const { stepId, path, isWhole } of logs) {
    if (path === null) continue;
    const content = fileOf(files, path);
    demand(
      !isWhole || digestBytes(content) === digests.get(stepId),
      'PACK_FILE_MISMATCH',
      `${path} is not the log that the receipt names`,
    );
  }
}

function checkPolicy(files: PackFiles, { policy }: DisclosureManifest, predicate: ReceiptPredicate): void {
  const decisions = predicate.policy;
  const isComplete =
    policy.decisions.length === decisions.length && policy.decisions.every(({ id }, i) => id === decisions[i]?.id);
  demand(isComplete, 'POLICY_MISMATCH', 'the decisions of the pack are not those of the receipt');
  for (const [i, { id, question, data, isReplayable }] of policy.decisions.entries()) {
    if (question !== null)
      demandDigest(files, question, decisions[i]?.input.digest, `the question of decision ${id} is another one`);
    if (isReplayable) demandPack(files, data, decisions[i]?.bundle.digest, id);
  }
}

function demandDigest(files: PackFiles, path: string, digest: Digest | undefined, message: string): void {
  demand(digestBytes(fileOf(files, path)) === digest, 'POLICY_MISMATCH', message);
}

/** A pack of rules is named by the module and its data. */
function demandPack(files: PackFiles, data: string | null, digest: Digest | undefined, id: string): void {
  demand(data !== null, 'POLICY_MISMATCH', `the data of decision ${id} are missing`);
  const module = fileOf(files, 'policy/policy.wasm');
  const found = digestBytes(Buffer.concat([module, fileOf(files, data)]));
  demand(found === digest, 'POLICY_MISMATCH', `the rules and data of decision ${id} are not those that decided`);
}

/** Each holds by itself, is about what the manifest says, and where it names a run, of this one or of one whose results it kept. */
function checkAttestations(
  files: PackFiles,
  { attestations }: DisclosureManifest,
  key: DisclosureClaims['key'],
  { run, steps }: ReceiptPredicate,
): void {
  const runIds = [run.id, ...new Set(steps.flatMap(({ carriedFrom }) => carriedFrom ?? []))];
  for (const { path, predicateType, subjects } of attestations) {
    const origin = predicateType === PREDICATE_TYPES.provenance ? { runIds } : {};
    const bundle = fileOf(files, path);
    const { statement } = verifyTyped({ bundle, key, predicateType, at: run.finishedOn, ...origin });
    const found = statement.subject.map(({ name, digest }) => `sha256:${digest.sha256} ${name}`);
    const isSame = found.join('\n') === subjects.map(({ name, digest }) => `${digest} ${name}`).join('\n');
    demand(isSame, 'SUBJECT_MISMATCH', `${path} is not about what ${MANIFEST_NAME} says`);
  }
}

function checkRegister(
  files: PackFiles,
  { payloadSha256, statement }: VerifiedReceipt,
  given: NoteKey | undefined,
): LoggedLeaf | undefined {
  const proof = files.get(PROOF_NAME);
  demand(
    proof !== undefined || given === undefined,
    'LOG_PROOF_MISSING',
    `expected ${PROOF_NAME} in the pack: nothing shows that the register has the receipt`,
  );
  if (proof === undefined) return undefined;
  const { id, attempt } = statement.predicate.run;
  const key = given ?? readVerifierKey(textOf(files, LOG_KEY_NAME));
  return verifyLogged({ v: 1, kind: 'close', runId: id, attempt, payloadSha256 }, textOf(files, PROOF_NAME), key);
}

function textOf(files: PackFiles, path: string): string {
  return Buffer.from(fileOf(files, path)).toString();
}
