import { MaestroError } from '../base/errors.ts';
import type { RetryScope } from '../protocol/client.ts';
import { isRunFinal } from '../protocol/run.ts';
import { copyAttestations } from '../store/attestations.ts';
import { type CarriedStep, carryOver } from '../store/carry-over.ts';
import type { Session } from '../store/database.ts';
import { copyShares } from '../store/outcome-shares.ts';
import type { RunRow, StepRow } from '../store/run-rows.ts';
import { type CompiledPlan, closureOf } from './compiled-plan.ts';
import { noteText, readNote } from './outcome-note.ts';
import { isPromotion } from './promotion-step.ts';

/**
 * What a new attempt of a finished run keeps: the successes that the scope does not touch.
 * @throws RUN_NOT_FINISHED, STEP_NOT_FOUND
 */
export function keptSteps(
  row: RunRow,
  steps: readonly StepRow[],
  compiled: CompiledPlan,
  scope: RetryScope,
): readonly StepRow[] {
  if (!isRunFinal(row.status))
    throw new MaestroError(
      'RUN_NOT_FINISHED',
      `run ${row.key} is ${row.status}: only a run that has ended can be retried`,
    );
  const again = closureOf(compiled, redoneFrom(row, steps, compiled, scope));
  const redone = new Set([...again, ...gatesBefore(compiled, again)]);
  return steps.filter((step) => step.idx < compiled.plan.steps.length && isKept(step) && !redone.has(step.idx));
}

/**
 * Gates of promotions whose followers all run anew: what people and policy agreed to then is no consent to doing it now. Behind
 * others a step that acts on a protected environment asks for itself.
 */
function gatesBefore(compiled: CompiledPlan, redone: ReadonlySet<number>): readonly number[] {
  return compiled.plan.steps.flatMap((step, gate) => {
    if (!isPromotion(step)) return [];
    const [, ...followers] = closureOf(compiled, [gate]);
    return followers.length > 0 && followers.every((idx) => redone.has(idx)) ? [gate] : [];
  });
}

function isKept(step: StepRow): boolean {
  return step.status === 'succeeded' || readNote(step.outcome).isAbsorbed === true;
}

function redoneFrom(
  row: RunRow,
  steps: readonly StepRow[],
  compiled: CompiledPlan,
  scope: RetryScope,
): readonly number[] {
  const { steps: planned } = compiled.plan;
  if (scope.type === 'all') return planned.map((_, idx) => idx);
  const failed = steps.filter((step) => step.idx < planned.length && !isKept(step)).map((step) => step.idx);
  const again = [...failed, ...undone(steps, compiled)];
  return scope.type === 'failed' ? again : [...indexesOf(row, compiled, scope.step), ...again];
}

/** Steps whose compensation ran, or was meant to: what they did may no longer be there. */
function undone(steps: readonly StepRow[], compiled: CompiledPlan): readonly number[] {
  const behind = compiled.plan.steps.length;
  const begun = steps.filter((step) => step.idx >= behind && step.status !== 'skipped');
  return begun.flatMap((step) => compiled.graph.compensated[step.idx - behind] ?? []);
}

/** One step by its id, or all combinations of a matrix by their base id. */
function indexesOf(row: RunRow, compiled: CompiledPlan, name: string): readonly number[] {
  const exact = compiled.indexById.get(name);
  const indexes = exact === undefined ? compiled.indexesByBase.get(name) : [exact];
  if (!indexes) throw new MaestroError('STEP_NOT_FOUND', `run ${row.key} has no step ${name}`);
  return indexes;
}

/** Writes the kept results into the new run, which still waits, and counts down what depends on them. */
export async function carryResults(
  session: Session,
  run: number,
  from: RunRow,
  kept: readonly StepRow[],
  compiled: CompiledPlan,
): Promise<void> {
  const isKeptIdx = new Set(kept.map((step) => step.idx));
  const carried: CarriedStep[] = kept.map((step) => {
    const note = readNote(step.outcome);
    return {
      idx: step.idx,
      status: step.status,
      outcome: noteText({ ...note, carriedFrom: note.carriedFrom ?? from.key }) ?? '{}',
      pending: 0,
      decisionId: step.decisionId,
      iteration: step.iteration,
    };
  });
  const waiting = compiled.needs.flatMap((needs, idx) =>
    isKeptIdx.has(idx) ? [] : [{ idx, pending: needs.filter((need) => !isKeptIdx.has(need)).length }],
  );
  const openSinks = compiled.sinks.filter((idx) => !isKeptIdx.has(idx)).length;
  await carryOver(session, run, { attempt: from.attempt + 1, carried, waiting, openSinks });
  await copyShares(session, from.id, run, [...isKeptIdx]);
  await copyAttestations(session, from.id, run, [...isKeptIdx]);
}
