import { canonicalJson } from '../base/canonical-json.ts';
import { type Digest, digestBytes, hexOf } from '../base/digest.ts';
import { isMaestroError } from '../base/errors.ts';
import type { RunAttestation } from '../protocol/attestation.ts';
import type { DisclosureEdition } from '../protocol/disclosure-edition.ts';
import type { EvidenceDesk } from '../protocol/evidence.ts';
import {
  draftDisclosure,
  fittingLogBytes,
  LOG_BYTES_MAX,
  sealDisclosure,
} from '../provenance/disclosure/disclosure.ts';
import type {
  DisclosureFacts,
  PolicyMaterial,
  PolicyRules,
  RegisterProof,
  SignedAttestation,
  StepLog,
} from '../provenance/disclosure/disclosure-facts.ts';
import { fairShare } from '../provenance/disclosure/fit-logs.ts';
import { signatureOf } from '../provenance/envelope.ts';
import type { ReceiptPredicate, ReceiptStatement } from '../provenance/receipt.ts';
import type { Signer } from '../provenance/signer.ts';
import type { Database } from '../store/database.ts';
import { loadDecisionData, loadDecisionInputs } from '../store/decision-inputs.ts';
import { disclosureSignatures, saveDisclosureSignature } from '../store/disclosures.ts';
import { type LogPosition, readLogChunks } from '../store/logs.ts';
import { stepAt } from './compiled-plan.ts';
import { firstProof } from './evidence-desk.ts';
import type { Queries } from './queries.ts';
import type { RunEntry } from './run-entry.ts';

export interface DisclosureTools {
  readonly db: Database;
  readonly queries: Queries;
  readonly signer: Signer;
  /** What answers policy's questions here, in a form that others can ask. */
  readonly readRules: () => Promise<PolicyRules>;
  readonly evidence: EvidenceDesk;
}

/**
 * Everything that the receipt of a run speaks of, in one archive that a stranger verifies offline. Made anew each time, and the same
 * byte for byte as long as logs and attestations are.
 * @throws RUN_NOT_FINISHED, RECEIPT_NOT_READY
 */
export async function disclose(tools: DisclosureTools, run: number, edition: DisclosureEdition): Promise<Uint8Array> {
  const { queries } = tools;
  const receipt = await queries.readReceipt(run);
  const { predicate } = statementOf(receipt.bundle);
  const { entry } = await queries.load(run);
  const facts = {
    receipt,
    policy: await policyMaterial(tools, predicate, edition),
    logs: edition === 'full' ? await keptLogs(tools.db, run, entry, predicate) : [],
    attestations: (await queries.readAttestations(run)).map(signedAttestation),
    register: await registered(tools, entry.key),
  };
  // Found out once for all keys: it is what takes long.
  const fitted = { facts, logBytesMax: await fittingLogBytes(facts) };
  return (await madeBefore(tools.db, run, fitted)) ?? (await makeNew(tools, run, fitted));
}

/** What is disclosed, whoever signs it. */
interface Fitted {
  readonly facts: Omit<DisclosureFacts, 'packKey'>;
  readonly logBytesMax: number;
}

/** The same pack as before, also where another key signs by now: one signature for one payload, however often it is asked for. */
async function madeBefore(db: Database, run: number, { facts, logBytesMax }: Fitted): Promise<Uint8Array | undefined> {
  const signatures = await disclosureSignatures(db, run);
  for (const packKey of new Set(signatures.map(({ publicKey }) => publicKey))) {
    const draft = await draftDisclosure({ ...facts, packKey }, logBytesMax);
    const payloadSha256 = hexOf(digestBytes(draft.payload));
    const known = signatures.find((one) => one.publicKey === packKey && one.payloadSha256 === payloadSha256);
    if (known) return sealDisclosure(draft, known);
  }
  return undefined;
}

async function makeNew(
  { db, signer }: DisclosureTools,
  run: number,
  { facts, logBytesMax }: Fitted,
): Promise<Uint8Array> {
  const draft = await draftDisclosure({ ...facts, packKey: signer.publicKeyPem }, logBytesMax);
  const payloadSha256 = hexOf(digestBytes(draft.payload));
  const signature = await signatureOf(draft.payload, signer);
  await saveDisclosureSignature(db, run, { payloadSha256, signature, publicKey: signer.publicKeyPem });
  // Whoever signed first at the same moment has won.
  const stored = (await disclosureSignatures(db, run)).find((one) => one.payloadSha256 === payloadSha256);
  return sealDisclosure(draft, stored ?? { signature, publicKey: signer.publicKeyPem });
}

function signedAttestation({ bundle, predicateType, publicKey }: RunAttestation): SignedAttestation {
  const { subject } = statementOf(bundle);
  return {
    predicateType,
    bundle,
    publicKey,
    subjects: subject.map(({ name, digest: { sha256 } }) => ({ name, digest: `sha256:${sha256}` })),
  };
}

/** The receipt is on its way into the register for moments after it was signed: a pack without the proof would be another one. */
async function registered({ db, evidence }: DisclosureTools, run: string): Promise<RegisterProof | null> {
  const proof = await firstProof(db, run);
  if (proof) return proof;
  await evidence.awaitProofs(run).catch((error: unknown) => {
    // Nobody who has the register's key is here.
    if (!isMaestroError(error, 'EVIDENCE_NOT_FOUND')) throw error;
  });
  return firstProof(db, run);
}

async function policyMaterial(
  { db, readRules }: DisclosureTools,
  { policy }: ReceiptPredicate,
  edition: DisclosureEdition,
): Promise<PolicyMaterial> {
  if (edition === 'public') return { rules: await readRules(), data: new Map(), questions: new Map() };
  const ids = policy.map(({ id }) => Number(id));
  const [inputs, data, rules] = await Promise.all([
    loadDecisionInputs(db, ids),
    loadDecisionData(db, ids),
    readRules(),
  ]);
  const texts = [...inputs.values()].map((input) => canonicalJson(input));
  const questions = new Map<Digest, string>(texts.map((text) => [digestBytes(text), text]));
  return { rules, data, questions: new Map(policy.flatMap(({ input: { digest } }) => kept(questions, digest))) };
}

/** In the receipt's order; what the database could not keep as it was asked is left out. */
function kept<Value>(all: ReadonlyMap<Digest, Value>, digest: Digest): readonly (readonly [Digest, Value])[] {
  const value = all.get(digest);
  return value === undefined ? [] : [[digest, value]];
}

const CHUNKS_MAX = 64;
const START: LogPosition = [-1, -1, -1];

/** Of each step's last attempt, as much of its end as a pack may hold. */
async function keptLogs(
  db: Database,
  run: number,
  { compiled }: RunEntry,
  { steps }: ReceiptPredicate,
): Promise<readonly StepLog[]> {
  const logged = new Map(steps.filter(({ logs }) => logs !== null).map((step) => [step.id, step]));
  const sizes = [...logged.values()].map(({ logs }) => Number(logs?.sizeBytes));
  const bytesMax = Math.min(LOG_BYTES_MAX, fairShare(sizes, LOG_BYTES_MAX));
  const tails = new Map<string, LogTail>();
  for (let position = START; ; ) {
    const chunks = await readLogChunks(db, run, null, position, CHUNKS_MAX);
    for (const { idx, text, position: next } of chunks) {
      position = next;
      const step = logged.get(stepAt(compiled, idx).id);
      if (!step) continue;
      let tail = tails.get(step.id);
      // A turn of a loop counts its attempts anew; a fence is never given again.
      const [, fence] = next;
      if (tail?.fence !== fence) tails.set(step.id, (tail = new LogTail(fence, bytesMax)));
      tail.add(text);
    }
    if (chunks.length < CHUNKS_MAX) break;
  }
  return [...logged.keys()].flatMap((stepId) => {
    const tail = tails.get(stepId);
    return tail ? [{ stepId, ...tail.end() }] : [];
  });
}

/** The end of a text that comes in pieces. */
class LogTail {
  readonly fence: number;
  readonly #bytesMax: number;
  readonly #pieces: string[] = [];
  #bytes = 0;
  #bytesBefore = 0;

  constructor(fence: number, bytesMax: number) {
    this.fence = fence;
    this.#bytesMax = bytesMax;
  }

  add(piece: string): void {
    this.#pieces.push(piece);
    this.#bytes += Buffer.byteLength(piece);
    for (;;) {
      const first = Buffer.byteLength(this.#pieces[0] ?? '');
      if (this.#pieces.length === 1 || this.#bytes - first < this.#bytesMax) return;
      this.#pieces.shift();
      this.#bytes -= first;
      this.#bytesBefore += first;
    }
  }

  end(): { readonly text: string; readonly bytesBefore: number } {
    return { text: this.#pieces.join(''), bytesBefore: this.#bytesBefore };
  }
}

function statementOf(bundle: string): ReceiptStatement {
  const { dsseEnvelope } = JSON.parse(bundle) as { readonly dsseEnvelope: { readonly payload: string } };
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as ReceiptStatement;
}
