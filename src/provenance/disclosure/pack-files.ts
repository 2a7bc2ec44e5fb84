import { canonicalJson } from '../../base/canonical-json.ts';
import { type Digest, DigestStream, digestBytes, hexOf } from '../../base/digest.ts';
import type { Json } from '../../base/json.ts';
import type { ReceiptPredicate } from '../receipt.ts';
import { RUN_RECORD_NAME } from '../run-record.ts';
import type { TrustedKey } from '../verify.ts';
import type { DisclosureFacts, PolicyMaterial, SignedAttestation } from './disclosure-facts.ts';
import { fitLogs } from './fit-logs.ts';
import {
  type AttestationEntry,
  type DecisionEntry,
  type DisclosureManifest,
  type LogEntry,
  MANIFEST_NAME,
  MANIFEST_VERSION,
} from './manifest.ts';
import { summaryPage } from './summary-page.ts';
import { EMPTY_ROOT, REPLAY_SCRIPT, verifyText } from './verify-text.ts';

/** What cosign before 3.0.4 has to be told: that nothing beyond the key is to be trusted. */
const EMPTY_ROOT_NAME = 'empty-root.json';
export const RECEIPT_NAME = 'receipt.sigstore.json';
export const PROOF_NAME = 'receipt.tlog-proof';
export const LOG_KEY_NAME = 'log.pub';

/** Of keys: that of the receipt, then others that signed something later. */
const KEY = /^maestro(?:-\d+)?\.pub$/;

/** The keys that come with a pack: they show that nothing was changed, not who signed. */
export function keysInside(files: ReadonlyMap<string, Uint8Array>): readonly TrustedKey[] {
  return [...files]
    .filter(([path]) => KEY.test(path))
    .map(([, pem]) => ({ publicKeyPem: Buffer.from(pem).toString() }));
}

/** The receipt's own predicate, as it was read of its payload, beside everything that it speaks of. */
export interface DisclosedRun {
  readonly facts: DisclosureFacts;
  readonly predicate: ReceiptPredicate;
  readonly receiptSha256: string;
}

/** All files of a pack but its list of digests and what signs that. Pure: equal facts give equal bytes. */
export function packFiles(
  { facts, predicate, receiptSha256 }: DisclosedRun,
  logBytesMax: number,
): Map<string, Uint8Array> {
  const files = new Map<string, string | Uint8Array>();
  files.set(RUN_RECORD_NAME, facts.receipt.runRecord);
  files.set(RECEIPT_NAME, facts.receipt.bundle);
  const keys = addKeys(files, facts);
  files.set(EMPTY_ROOT_NAME, EMPTY_ROOT);
  const manifest: DisclosureManifest = {
    schemaVersion: MANIFEST_VERSION,
    run: { id: predicate.run.id, attempt: predicate.run.attempt, receiptSha256 },
    key: keys(facts.packKey),
    logs: addLogs(files, facts, predicate, logBytesMax),
    policy: {
      entrypoint: facts.policy.rules.entrypoint,
      revision: facts.policy.rules.revision,
      decisions: addPolicy(files, facts.policy, predicate),
    },
    attestations: facts.attestations.map((attestation, i) =>
      addAttestation(files, attestation, keys(attestation.publicKey), i),
    ),
    hasRegisterProof: facts.register !== null,
  };
  if (facts.register) {
    files.set(PROOF_NAME, facts.register.proof);
    files.set(LOG_KEY_NAME, `${facts.register.logKey}\n`);
  }
  files.set(MANIFEST_NAME, canonicalJson(manifest as unknown as Json));
  files.set('VERIFY.md', verifyText(manifest, predicate));
  files.set('index.html', summaryPage(manifest, predicate));
  return new Map([...files].map(([path, content]) => [path, Buffer.from(content)]));
}

type Files = Map<string, string | Uint8Array>;

/** Keys are replaced while runs go on: each stands in a file of its own. Answers the path of a key. */
function addKeys(files: Files, { receipt, packKey, attestations }: DisclosureFacts): (pem: string) => string {
  const pems = [receipt.publicKey, packKey, ...attestations.map(({ publicKey }) => publicKey)];
  const paths = new Map([...new Set(pems)].map((pem, i) => [pem, i === 0 ? 'maestro.pub' : `maestro-${i + 1}.pub`]));
  for (const [pem, path] of paths) files.set(path, pem);
  return (pem) => paths.get(pem) ?? '';
}

function addLogs(
  files: Files,
  { logs }: DisclosureFacts,
  { steps }: ReceiptPredicate,
  logBytesMax: number,
): readonly LogEntry[] {
  const logged = steps.filter((step) => step.logs !== null);
  const byStep = new Map(logs.map((log) => [log.stepId, log]));
  const kept = logged.map(({ id }) => byStep.get(id));
  const fitted = fitLogs(
    kept.map((log) => log ?? NO_LOG),
    logBytesMax,
  );
  return logged.map((step, i) => {
    const fit = fitted[i];
    if (kept[i] === undefined || fit === undefined) return { stepId: step.id, path: null, isWhole: false };
    const path = `logs/${numbered(step.seq)}-${plainName(step.id)}.log`;
    files.set(
      path,
      fit.bytesBefore === 0 ? fit.text : `[${fit.bytesBefore} bytes before this line are left out]\n${fit.text}`,
    );
    return { stepId: step.id, path, isWhole: fit.bytesBefore === 0 && digestBytes(fit.text) === step.logs?.digest };
  });
}

const NO_LOG = { text: '', bytesBefore: 0 };

function addPolicy(files: Files, policy: PolicyMaterial, predicate: ReceiptPredicate): readonly DecisionEntry[] {
  const { rules, questions, data } = policy;
  for (const [path, source] of rules.sources) files.set(`policy/rules/${path}`, source);
  files.set('policy/policy.wasm', rules.wasm);
  files.set('policy/replay.sh', REPLAY_SCRIPT);
  for (const [digest, question] of questions) files.set(questionPath(digest), question);
  for (const [digest, document] of data) files.set(dataPath(digest), canonicalJson(document));
  const own = new Map([...data].map(([digest, document]) => [digest, isOfRules(policy, digest, document)]));
  const decisions = predicate.policy.map(({ id, input, bundle }): DecisionEntry => {
    const question = questions.has(input.digest) ? questionPath(input.digest) : null;
    const document = data.has(bundle.digest) ? dataPath(bundle.digest) : null;
    const isReplayable = question !== null && bundle.revision === rules.revision && own.get(bundle.digest) === true;
    return { id, question, data: document, isReplayable };
  });
  const verdicts = new Map(predicate.policy.map(({ id, decision }) => [id, decision]));
  const lines = decisions
    .filter(({ isReplayable }) => isReplayable)
    .map(({ id, question, data: document }) => `${verdicts.get(id)} ${document} ${question}\n`);
  files.set('policy/decisions.txt', [...new Set(lines)].join(''));
  return decisions;
}

/** A pack's digest covers the module, the data, and where there are any, an organisation's own rules, which are not disclosed. */
function isOfRules({ rules }: PolicyMaterial, digest: Digest, data: Json): boolean {
  const stream = new DigestStream();
  stream.update(rules.wasm);
  stream.update(Buffer.from(canonicalJson(data)));
  return stream.digest() === digest;
}

function addAttestation(files: Files, attestation: SignedAttestation, key: string, i: number): AttestationEntry {
  const { predicateType, subjects, bundle } = attestation;
  const kind = plainName(new URL(predicateType).pathname.replace(/^\/+/, ''));
  const path = `attestations/${numbered(i + 1)}-${kind}.sigstore.json`;
  files.set(path, bundle);
  return { path, key, predicateType, subjects };
}

function questionPath(digest: Digest): string {
  return `policy/questions/${hexOf(digest)}.json`;
}

function dataPath(digest: Digest): string {
  return `policy/data/${hexOf(digest)}.json`;
}

/** So that files stand in the order of what they are of. */
function numbered(count: number): string {
  return String(count).padStart(NUMBER_DIGITS, '0');
}

const NUMBER_DIGITS = 4;
const NAME_CHARS_MAX = 60;

/** For people's eyes: what precedes it makes it unique. */
function plainName(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]+/g, '-').slice(0, NAME_CHARS_MAX);
}

/** `SHA256SUMS` as `sha256sum -c` reads it. */
export function sumsOf(files: ReadonlyMap<string, Uint8Array>): string {
  const lines = [...files].map(([path, content]) => `${hexOf(digestBytes(content))}  ${path}\n`);
  return lines.toSorted((a, b) => (a.slice(SUM_CHARS) < b.slice(SUM_CHARS) ? -1 : 1)).join('');
}

const SUM_CHARS = 66;
