import { MaestroError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { DECISION_BYTES, idBytes, OTHER_DECISION_BYTES, stepBytes } from '../pipeline/receipt-bytes.ts';
import type { Artifact, Outcome } from '../protocol/outcome.ts';
import { PAYLOAD_BYTES_MAX, SUBJECTS_MAX, subjectName } from '../provenance/receipt.ts';
import type { Approval } from '../store/approvals.ts';
import type { RunRow } from '../store/run-rows.ts';
import { type CompiledPlan, stepAt } from './compiled-plan.ts';
import type { RunEntry } from './run-entry.ts';
import { approvalFact, runFacts } from './run-facts.ts';
import { ANSWER_BYTES_MAX, RECEIPT_BYTES_RESERVED, SUBJECT_BYTES } from './worker-limits.ts';

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

/** Bytes of a run's receipt that are left for what its steps leave behind, however they end. */
export function receiptRoom(entry: RunEntry): number {
  return Math.max(0, leftOf(entry));
}

/** A plan that takes less has room for what is said of the run itself: that is counted in kilobytes, if not at every start. */
const SMALL_PLAN_BYTES = PAYLOAD_BYTES_MAX / 2;

/**
 * A run that could end without a receipt must not begin. A pipeline file with such a plan has a finding; plans come another
 * way as well.
 * @throws PIPELINE_INVALID
 */
export function assertReceiptFits(entry: RunEntry): void {
  const taken = planBytes(entry.compiled);
  if (taken <= SMALL_PLAN_BYTES) return;
  const left = leftOf(entry);
  if (left >= 0) return;
  throw new MaestroError(
    'PIPELINE_INVALID',
    `expected a plan whose steps take at most ${taken + left} bytes of the run's receipt, got ${taken}: join a matrix in one step before others need it, or have fewer steps with shorter ids`,
  );
}

/**
 * What answers of people take without their words, which are cut: each with the decision that lets it count, and as if it were
 * taken back, for which there must always be room.
 */
export function answerBytes(answers: readonly Approval[], compiled: CompiledPlan): number {
  return answers.reduce((sum, answer) => {
    const fact = approvalFact({ ...answer, reason: '', revokedAt: answer.at }, compiled);
    return sum + sizeOf(fact as unknown as Json) + 1 + OTHER_DECISION_BYTES;
  }, 0);
}

/** What policy obliges runs and steps to, beside what is asked of people. */
const DUTIES_BYTES = 65_536;

const SHARED_BYTES =
  DECISION_BYTES + SUBJECTS_MAX * SUBJECT_BYTES + ANSWER_BYTES_MAX + DUTIES_BYTES + RECEIPT_BYTES_RESERVED;

/** Less than nothing where the plan is too large. */
function leftOf(entry: RunEntry): number {
  return PAYLOAD_BYTES_MAX - SHARED_BYTES - runBytes(entry) - planBytes(entry.compiled);
}

const PLAN_BYTES = new WeakMap<CompiledPlan, number>();

/**
 * Each step with a decision of its own: equal questions share one only as long as they are asked under one pack, and a retry
 * keeps what was decided of the results that it carries over.
 */
function planBytes(compiled: CompiledPlan): number {
  let bytes = PLAN_BYTES.get(compiled);
  if (bytes === undefined) PLAN_BYTES.set(compiled, (bytes = countPlan(compiled)));
  return bytes;
}

function countPlan({ plan, needs }: CompiledPlan): number {
  const ids = plan.steps.map(({ id }) => idBytes(id));
  let bytes = 0;
  plan.steps.forEach((step, idx) => {
    bytes += stepBytes(step);
    needs[idx]?.forEach((need, i) => (bytes += ids[need] ?? idBytes(step.needs[i] ?? '')));
  });
  return bytes;
}

const NOBODY = { builderId: '', version: '', keyReachableBySteps: false };
const LONG_AGO = new Date(0);
const DECISION_ID = 9_999_999_999;

/** What is said of the run itself. */
function runBytes({ id, key, compiled, trigger }: RunEntry): number {
  const row: RunRow = {
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
    namespaceId: 0,
  };
  const without = { ...compiled, plan: { ...compiled.plan, steps: [] } };
  const facts = runFacts(
    { row, steps: [], compiled: without, decisions: new Map(), approvals: [], promotions: [], releases: [] },
    NOBODY,
    '',
  );
  return sizeOf(facts as unknown as Json);
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
