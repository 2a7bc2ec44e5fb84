import { isoTime } from '../base/clock.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import type { Decision } from '../policy/decision.ts';
import { type DecisionView, isRunFinal, type ReceiptView, type RunView, type StepView } from '../protocol/run.ts';
import type { StoredDecision } from '../store/decisions.ts';
import type { RunRow, StepRow } from '../store/run-rows.ts';
import { type CompiledPlan, stepAt } from './compiled-plan.ts';
import { type RunContexts, runContexts, stepContexts } from './contexts.ts';
import { environmentOfGate } from './gated-by.ts';
import { readNote } from './outcome-note.ts';
import { isPromotion } from './promotion-step.ts';

/** What stands beside the rows of the run. */
interface RunFacts {
  /** Identity of its receipt; undefined until it is signed. */
  readonly receipt: string | undefined;
  readonly isConsentWanted: boolean;
}

/** A run as people and programs see it. */
export function runView(
  row: RunRow,
  steps: readonly StepRow[],
  compiled: CompiledPlan,
  decisions: ReadonlyMap<number, StoredDecision>,
  { receipt, isConsentWanted }: RunFacts,
): RunView {
  const decisionOf = (id: number | null): DecisionView | null => {
    const stored = id === null ? undefined : decisions.get(id);
    return stored ? decisionView(stored.decision) : null;
  };
  const contexts = runContexts(compiled, row);
  return {
    id: row.key,
    pipeline: compiled.plan.name,
    status: row.status,
    attempt: row.attempt,
    retryOf: row.relations.find((relation) => relation.type === 'retryOf')?.runId ?? null,
    planDigest: compiled.digest,
    trigger: { type: row.trigger.type, actor: row.trigger.actor },
    createdAt: isoTime(row.createdAt.getTime()),
    startedAt: timeOf(row.startedAt),
    finishedAt: timeOf(row.finishedAt),
    reason: row.reason,
    decision: decisionOf(row.decisionId),
    isConsentWanted,
    steps: steps
      .filter((step) => !isUnusedCompensation(compiled, step))
      .map((step) => stepView(compiled, step, contexts, decisionOf(step.decisionId))),
    receipt: isRunFinal(row.status) ? receiptView(receipt) : null,
  };
}

export function decisionView(decision: Decision): DecisionView {
  return {
    verdict: decision.verdict,
    reasons: decision.reasons,
    packDigest: decision.packDigest,
    inputDigest: decision.inputDigest,
  };
}

function receiptView(payloadSha256: string | undefined): ReceiptView {
  return { status: payloadSha256 === undefined ? 'pending' : 'signed', payloadSha256: payloadSha256 ?? null };
}

/** A compensation of a step that has nothing to undo. */
function isUnusedCompensation(compiled: CompiledPlan, row: StepRow): boolean {
  return row.idx >= compiled.plan.steps.length && row.status === 'skipped';
}

function stepView(
  compiled: CompiledPlan,
  row: StepRow,
  contexts: RunContexts,
  decision: DecisionView | null,
): StepView {
  const step = stepAt(compiled, row.idx);
  const note = readNote(row.outcome);
  return {
    id: step.id,
    kind: step.kind,
    uses: step.uses,
    environment: isPromotion(step) ? guarded(compiled, step, row.idx, contexts) : (step.environment ?? null),
    needs: step.needs,
    status: row.status === 'stopping' ? 'running' : row.status,
    attempts: row.attempt,
    iteration: row.iteration,
    startedAt: timeOf(row.startedAt),
    finishedAt: timeOf(row.finishedAt),
    hold: holdView(step, row),
    reason: row.reason,
    exitCode: note.exitCode ?? null,
    outputs: note.outputs ?? {},
    artifacts: note.artifacts ?? [],
    annotations: note.annotations ?? [],
    isCacheHit: note.isCacheHit === true,
    isCompensation: row.idx >= compiled.plan.steps.length,
    decision,
  };
}

/** Where that is a matter of results, nobody but the engine knows it. */
function guarded(compiled: CompiledPlan, step: PlanStep, idx: number, contexts: RunContexts): string | null {
  const known = stepContexts(contexts, compiled, idx, () => undefined);
  return environmentOfGate(step, known);
}

function holdView(step: PlanStep, { hold, reason, dueAt }: StepRow): StepView['hold'] {
  if (hold === null) return null;
  // Promotions are looked at again then, which is no end of anything.
  return { kind: hold, reason: reason ?? '', dueAt: isPromotion(step) ? null : timeOf(dueAt) };
}

function timeOf(date: Date | null): string | null {
  return date === null ? null : isoTime(date.getTime());
}
