import { digestBytes } from '../base/digest.ts';
import type { Json } from '../base/json.ts';
import { questionKey } from '../policy/input-from-plan.ts';
import type { Artifact, Outcome } from '../protocol/outcome.ts';
import { PAYLOAD_BYTES_MAX, SUBJECTS_MAX, subjectName } from '../provenance/receipt.ts';
import type { StepRow } from '../store/run-rows.ts';
import { type CompiledPlan, stepAt } from './compiled-plan.ts';
import type { OutcomeNote } from './outcome-note.ts';
import type { RunEntry } from './run-entry.ts';
import { type ClosedRun, runFacts } from './run-facts.ts';
import { DECISION_BYTES, RECEIPT_BYTES_RESERVED, SUBJECT_BYTES } from './worker-limits.ts';

const SHA256_CHARS = 64;

/**
 * What a receipt needs for an outcome, beyond what it has for every step: each artifact stands with its step, among the
 * outputs of the run and, as far as there is room, among the subjects. What is said of a step gets what they leave.
 */
export function receiptBytesOf(stepId: string, { artifacts = [] }: Outcome): number {
  let bytes = 0;
  artifacts.forEach((artifact, i) => {
    const record = recordOf(artifact);
    bytes += sizeOf(record) + sizeOf({ ...record, stepId }) + 2;
    if (i < SUBJECTS_MAX) bytes += Math.max(0, subjectBytes(stepId, artifact) - SUBJECT_BYTES);
  });
  return bytes;
}

function subjectBytes(stepId: string, artifact: Artifact): number {
  return sizeOf({ digest: { sha256: '' }, name: subjectName({ ...artifact, stepId }) }) + SHA256_CHARS + 1;
}

const ROOMS = new WeakMap<CompiledPlan, number>();

/** Bytes of a run's receipt that are left for what its steps leave behind, however they end. */
export function receiptRoom(entry: RunEntry): number {
  const { compiled } = entry;
  let room = ROOMS.get(compiled);
  if (room === undefined) {
    const facts = runFacts(fullestRun(entry), NOBODY, '');
    const shared = decisionCount(compiled) * DECISION_BYTES + SUBJECTS_MAX * SUBJECT_BYTES + RECEIPT_BYTES_RESERVED;
    room = Math.max(0, PAYLOAD_BYTES_MAX - sizeOf(facts as unknown as Json) - shared);
    ROOMS.set(compiled, room);
  }
  return room;
}

const NOBODY = { builderId: '', version: '', keyReachableBySteps: false };

/** Equal questions share a decision. One that is made by expressions may be another for each step. */
function decisionCount({ plan, facts, graph }: CompiledPlan): number {
  const questions = plan.steps.map((step, idx) =>
    facts[idx]?.isTemplated === false ? questionKey('', step) : step.id,
  );
  return new Set(questions).size + graph.compensated.length + 1;
}

const LONG_AGO = new Date(0);
const DIGEST = digestBytes('');
/** Numbers are as long as they usually are at most: the reserve makes up for those of single steps. */
const FULL_NOTE: OutcomeNote = {
  exitCode: -99,
  outputs: {},
  log: { digest: DIGEST, sizeBytes: 9_999_999_999, isTruncated: false },
  inputDigest: DIGEST,
  isolation: 'container',
};
const DECISION_ID = 9_999_999_999;

/** A run whose steps all take as much as they can without artifacts and reasons. */
function fullestRun({ id, key, compiled, trigger }: RunEntry): ClosedRun {
  const count = compiled.plan.steps.length + compiled.graph.compensated.length;
  return {
    row: {
      id,
      key,
      planId: 0,
      status: 'cancelled',
      flags: 0,
      attempt: 999,
      nonce: 'x'.repeat(32),
      trigger,
      relations: [],
      decisionId: DECISION_ID,
      concurrencyGroup: null,
      pool: '',
      reason: null,
      createdAt: LONG_AGO,
      startedAt: LONG_AGO,
      finishedAt: LONG_AGO,
    },
    steps: Array.from({ length: count }, (_, idx) => fullestStep(id, idx)),
    compiled,
    decisions: new Map(),
    approvals: [],
  };
}

function fullestStep(run: number, idx: number): StepRow {
  return {
    run,
    idx,
    status: 'succeeded',
    pending: 0,
    flags: 0,
    attempt: 99,
    retries: 0,
    iteration: 99,
    fence: 0,
    worker: null,
    decisionId: DECISION_ID,
    hold: null,
    generation: 0,
    dueAt: null,
    startedAt: LONG_AGO,
    finishedAt: LONG_AGO,
    reason: null,
    outcome: FULL_NOTE as unknown as StepRow['outcome'],
  };
}

/** The id of a step, as its artifacts are filed under; undefined for an index that no step of the run has. */
export function stepIdAt(compiled: CompiledPlan, idx: number): string | undefined {
  const isThere = idx >= 0 && idx < compiled.plan.steps.length + compiled.graph.compensated.length;
  return isThere ? stepAt(compiled, idx).id : undefined;
}

function recordOf({ name, path, digest, sizeBytes }: Artifact): { readonly [field: string]: string } {
  return { digest, name, path, sizeBytes: String(sizeBytes) };
}

function sizeOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}
