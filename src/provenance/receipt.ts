import { type Digest, digestBytes, hexOf } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { ArtifactFact, RunFacts } from './facts.ts';
import { leafHash, merkleRoot } from './merkle.ts';
import { orderedText, orderKeys } from './ordered-json.ts';
import { RECEIPT_PREDICATE_TYPE } from './receipt-schema.ts';
import {
  RUN_RECORD_NAME,
  type RunRecord,
  type RunRecord1,
  runRecordText,
  type StepRecord1,
  toRunRecord,
} from './run-record.ts';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** Sigstore clients refuse statements with more subjects. Outputs beyond it are proven by `predicate.outputs` alone. */
export const SUBJECTS_MAX = 1024;
export const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;

export interface Receipt {
  /** Bytes of `run.json`, the receipt's first subject. */
  readonly runRecord: string;
  readonly statement: ReceiptStatement<ReceiptPredicate2>;
  /** The statement as RFC 8785 text: the bytes that are signed. */
  readonly payload: string;
  /** The receipt's identity, in hex: a bundle can be written in many ways, its payload in one. */
  readonly payloadSha256: string;
}

/** An in-toto Statement v1. */
export interface ReceiptStatement<Predicate extends ReceiptPredicate = ReceiptPredicate> {
  readonly _type: typeof STATEMENT_TYPE;
  readonly subject: readonly Subject[];
  readonly predicateType: typeof RECEIPT_PREDICATE_TYPE;
  readonly predicate: Predicate;
}

export interface Subject {
  readonly name: string;
  readonly digest: { readonly sha256: string };
}

/** The run record, and what follows from it. `schemaVersion` tells which version it is. */
export type ReceiptPredicate = ReceiptPredicate1 | ReceiptPredicate2;
export type ReceiptPredicate1 = RunRecord1 & DerivedFields;
type ReceiptPredicate2 = RunRecord & DerivedFields;

interface DerivedFields {
  readonly outputs: readonly OutputRecord[];
  readonly stepCount: number;
  /** RFC 6962 root over the canonical JSON of the steps, in hex: one step can be shown without the others. */
  readonly stepsRoot: string;
}

export interface OutputRecord extends ArtifactFact {
  readonly stepId: string;
}

/**
 * The receipt of a run that has ended: pure, so equal facts give equal bytes on every machine.
 *
 * Throws INVALID_JSON for text that has no UTF-8 form, FILE_TOO_LARGE for a payload over 16 MiB.
 */
export function buildReceipt(facts: RunFacts): Receipt {
  const record = toRunRecord(facts);
  const runRecord = runRecordText(record);
  const predicate = derivePredicate(record);
  const statement: ReceiptStatement<ReceiptPredicate2> = {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: RECEIPT_PREDICATE_TYPE,
    subject: deriveSubjects(digestBytes(runRecord), predicate.outputs),
  };
  const payload = orderedText(statement);
  const bytes = Buffer.byteLength(payload);
  if (bytes > PAYLOAD_BYTES_MAX) {
    throw new MaestroError('FILE_TOO_LARGE', `expected a receipt of at most ${PAYLOAD_BYTES_MAX} bytes, got ${bytes}`);
  }
  return { runRecord, statement, payload, payloadSha256: hexOf(digestBytes(payload)) };
}

/** The run record that a predicate was derived from. */
export function recordOf(predicate: ReceiptPredicate): RunRecord | RunRecord1 {
  const { outputs: _outputs, stepCount: _stepCount, stepsRoot: _stepsRoot, ...record } = predicate;
  return record;
}

export function deriveOutputs(steps: readonly StepRecord1[]): OutputRecord[] {
  return steps.flatMap((step) => step.outputs.map((output) => ({ ...output, stepId: step.id })));
}

export function deriveStepsRoot(steps: readonly StepRecord1[]): string {
  return merkleRoot(steps.map((step) => leafHash(orderedText(step)))).toString('hex');
}

/** `run.json`, then the outputs. A name that comes twice keeps its last content, as the file would. */
export function deriveSubjects(runRecordDigest: Digest, outputs: readonly OutputRecord[]): Subject[] {
  const digests = new Map<string, Digest>([[RUN_RECORD_NAME, runRecordDigest]]);
  for (const output of outputs) digests.set(subjectName(output), output.digest);
  return [...digests].slice(0, SUBJECTS_MAX).map(([name, digest]) => ({ digest: { sha256: hexOf(digest) }, name }));
}

/**
 * `<step>/<artifact>/<path>` in printable ASCII, the rest percent-encoded: names that merely look alike (other
 * normal forms, invisible or foreign letters) stay different to the eye.
 */
export function subjectName({ stepId, name, path }: Pick<OutputRecord, 'stepId' | 'name' | 'path'>): string {
  return `${encodeSegment(stepId)}/${encodeSegment(name)}/${encodeUnprintable(path)}`;
}

function derivePredicate(record: RunRecord): ReceiptPredicate2 {
  const outputs = deriveOutputs(record.steps);
  return orderKeys({ ...record, outputs, stepCount: record.steps.length, stepsRoot: deriveStepsRoot(record.steps) });
}

function encodeSegment(text: string): string {
  return encodeUnprintable(text).replaceAll('/', '%2F');
}

/** Printable ASCII without `%`, the rest percent-encoded. */
export function encodeUnprintable(text: string): string {
  return text.replace(/[^!-$&-~]+/gu, encodeURIComponent);
}
