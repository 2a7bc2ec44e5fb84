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
import { DECISION_BYTES, REASON_BYTES_FREE, RECEIPT_BYTES_RESERVED } from './worker-limits.ts';

/**
 * What a receipt needs for an outcome, beyond what it has for every step: each artifact stands with its step, among the
 * outputs of the run and, as far as there is room, among the subjects.
 */
export function receiptBytesOf(stepId: string, { artifacts = [], message = '' }: Outcome): number {
  let bytes = Math.max(0, sizeOf(message) - REASON_BYTES_FREE);
  artifacts.forEach((artifact, i) => {
    const record = recordOf(artifact);
    bytes += sizeOf(record) + sizeOf({ ...record, stepId }) + 2;
    if (i < SUBJECTS_MAX) bytes += sizeOf({ digest: { sha256: '' }, name: subjectName({ ...artifact, stepId }) }) + 65;
  });
  return bytes;
}

const ROOMS = new WeakMap<CompiledPlan, number>();

/** Bytes of a run's receipt that are left for outcomes, however its steps end. */
export function receiptRoom(entry: RunEntry): number {
  const { compiled } = entry;
  let room = ROOMS.get(compiled);
  if (room === undefined) {
    const facts = runFacts(fullestRun(entry), NOBODY, '');
    const used = sizeOf(facts as unknown as Json) + decisionCount(compiled) * DECISION_BYTES + RECEIPT_BYTES_RESERVED;
    ROOMS.set(compiled, (room = Math.max(0, PAYLOAD_BYTES_MAX - used)));
  }
  return room;
}

const NOBODY = { builderId: '', version: '', keyReachableBySteps: false };

/** Equal questions share a decision. One that depends on the run may be asked anew for each step. */
function decisionCount({ plan, facts, graph }: CompiledPlan): number {
  const questions = plan.steps.map((step, idx) =>
    facts[idx]?.isStanding === true && !facts[idx].isTemplated ? questionKey('', step) : step.id,
  );
  return new Set(questions).size + graph.compensated.length + 1;
}

const LONG_AGO = new Date(0);
const DIGEST = digestBytes('');
const FULL_NOTE: OutcomeNote = {
  exitCode: -2_147_483_648,
  outputs: {},
  log: { digest: DIGEST, sizeBytes: Number.MAX_SAFE_INTEGER, isTruncated: false },
  inputDigest: DIGEST,
  isolation: 'container',
  carriedFrom: 'x'.repeat(26),
};

/** A run whose steps all say as much as they can without artifacts. */
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
      decisionId: Number.MAX_SAFE_INTEGER,
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
    attempt: 9999,
    retries: 0,
    iteration: 9999,
    fence: 0,
    worker: null,
    decisionId: Number.MAX_SAFE_INTEGER,
    hold: null,
    generation: 0,
    dueAt: null,
    startedAt: LONG_AGO,
    finishedAt: LONG_AGO,
    reason: 'x'.repeat(REASON_BYTES_FREE),
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
