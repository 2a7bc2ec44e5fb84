import { digestJson } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { Plan, PlanStep } from '../pipeline/plan.ts';
import type { PolicyFacts, PolicyStep, RunInput, StepInput } from './input.ts';
import { egressOf } from './step-egress.ts';

/** Who asked for the run, and for what; the protocol's `RunTrigger` is one. */
export interface PolicyTrigger {
  readonly type: string;
  readonly actor: { readonly provider: string; readonly id: string };
  readonly source: { readonly uri: string; readonly ref: string | null };
  readonly isFork: boolean;
}

/** The question that is asked when a run is admitted. */
export function runInput(plan: Plan, trigger: PolicyTrigger): RunInput {
  return { phase: 'run', ...policyFacts(plan, trigger), step: null };
}

/** The question that is asked before a step becomes ready. */
export function stepInput(
  plan: Plan,
  step: PlanStep,
  trigger: PolicyTrigger,
  gatedBy: readonly string[] = NOT_GATED,
): StepInput {
  return { phase: 'step', ...policyFacts(plan, trigger), step: policyStep(step, gatedBy) };
}

/** Names the part of a step's question that all steps of a run share. Compute it once per run. */
export function runKey(plan: Plan, trigger: PolicyTrigger): string {
  return digestJson(policyFacts(plan, trigger) as unknown as JsonObject);
}

/**
 * Names a step's question, for `evaluateKeyed`. Steps that differ only in id, needs, retry and the like share a name. A
 * step's share is made once, since plans never change, and is a number: short keys are quick to look up.
 */
export function questionKey(runKeyText: string, step: PlanStep, gatedBy: readonly string[] = NOT_GATED): string {
  if (gatedBy.length > 0) return `${runKeyText}#${questionNumber(JSON.stringify(policyStep(step, gatedBy)))}`;
  let number = STEP_NUMBERS.get(step);
  if (number === undefined)
    STEP_NUMBERS.set(step, (number = questionNumber(JSON.stringify(policyStep(step, NOT_GATED)))));
  return `${runKeyText}#${number}`;
}

const NOT_GATED: readonly string[] = [];
const QUESTIONS_KEPT = 20_000;
const STEP_NUMBERS = new WeakMap<PlanStep, number>();
const NUMBERS = new Map<string, number>();
let lastNumber = 0;

/** Equal questions get equal numbers while they are remembered; a number is never given to two questions. */
function questionNumber(text: string): number {
  let number = NUMBERS.get(text);
  if (number === undefined) {
    if (NUMBERS.size >= QUESTIONS_KEPT) NUMBERS.clear();
    NUMBERS.set(text, (number = ++lastNumber));
  }
  return number;
}

/** What every question about a run says. */
export function policyFacts(plan: Plan, trigger: PolicyTrigger): PolicyFacts {
  return {
    pipeline: { name: plan.name, kind: plan.kind, version: plan.version ?? null, steps: plan.steps.length },
    trigger: {
      type: trigger.type,
      actor: { provider: trigger.actor.provider, id: trigger.actor.id },
      repository: trigger.source.uri,
      ref: trigger.source.ref,
      isFork: trigger.isFork,
    },
    purpose: plan.purpose ?? null,
    authority: plan.authority ?? null,
    licence: plan.licence ?? null,
    autonomy: plan.autonomy ?? null,
    budget: {
      microUsd: plan.budget?.microUsd ?? null,
      tokens: plan.budget?.tokens ?? null,
      minutes: plan.budget?.minutes ?? null,
    },
  };
}

/** What a question says of a step. `environment` of a gate stands in its `with`. */
export function policyStep(step: PlanStep, gatedBy: readonly string[]): PolicyStep {
  const named = step.kind === 'gate' ? step.with.environment : undefined;
  return {
    kind: step.kind,
    uses: step.uses,
    code: { uri: step.code.uri, digest: step.code.digest ?? null },
    runner: step.runner,
    tags: step.tags,
    egress: egressOf(step),
    secrets: step.secrets,
    environment: step.environment ?? (typeof named === 'string' ? named : null),
    gatedBy,
    isIdempotent: step.isIdempotent,
    timeoutMs: step.timeoutMs,
    with: step.with,
  };
}
