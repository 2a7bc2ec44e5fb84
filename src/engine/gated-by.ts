import { isMaestroError } from '../base/errors.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import type { StepContexts } from '../protocol/lease.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import { isPromotion } from './promotion-step.ts';
import { resolveInputs } from './resolve-inputs.ts';

const NONE: readonly string[] = [];

/** The environment that a gate is about; null where it is about none, or where that is not known yet. */
export function environmentOfGate(step: PlanStep, contexts: StepContexts): string | null {
  if (!isPromotion(step)) return step.environment ?? null;
  try {
    const { environment } = resolveInputs(
      { with: { environment: step.with.environment ?? null }, env: step.env },
      contexts,
    );
    return typeof environment === 'string' ? environment : null;
  } catch (error) {
    if (isMaestroError(error)) return null;
    throw error;
  }
}

/**
 * Environments to which the gates before a step promote: there, people and policy have agreed, so that the step itself is not
 * asked about once more.
 * @param isOpen whether a gate has opened; at submission whether it would have to, before the step begins without further ado
 */
export function gatedBy(
  compiled: CompiledPlan,
  idx: number,
  contextsOf: (idx: number) => StepContexts,
  isOpen: (idx: number) => boolean,
): readonly string[] {
  const gates = compiled.facts[idx]?.promotions ?? [];
  if (gates.length === 0) return NONE;
  const names = gates.flatMap((gate) => {
    const step = compiled.plan.steps[gate];
    return step && isOpen(gate) ? (environmentOfGate(step, contextsOf(gate)) ?? []) : [];
  });
  return [...new Set(names)].sort();
}
