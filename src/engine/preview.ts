import type { PolicyEngine } from '../policy/evaluate.ts';
import { runInput, runKey } from '../policy/input-from-plan.ts';
import type { PlanPreview, StartRun } from '../protocol/client.ts';
import type { StepContexts } from '../protocol/lease.ts';
import type { AskedDecision } from '../store/decisions.ts';
import { askPolicy } from './admission.ts';
import { compilePlan } from './compiled-plan.ts';
import { runContexts, stepContexts } from './contexts.ts';
import { gatedBy } from './gated-by.ts';
import type { RunEntry } from './run-entry.ts';
import { decisionView } from './run-view.ts';

/** What policy would say to a run and to each of its steps. Writes nothing and runs nothing. */
export function previewPlan(policy: PolicyEngine, request: StartRun): PlanPreview {
  const { plan, trigger } = request;
  return {
    digest: compilePlan(plan).digest,
    run: decisionView(policy.evaluate(runInput(plan, trigger))),
    steps: askSteps(policy, request).map(({ decision }, idx) => ({
      step: plan.steps[idx]?.id ?? '',
      decision: decisionView(decision),
    })),
    estimate: { steps: plan.steps.length, microUsd: 0, durationMs: null },
  };
}

/** Asks about each step of a plan, in order, as if whatever it waits for had succeeded. */
export function askSteps(policy: PolicyEngine, { plan, trigger }: StartRun): readonly AskedDecision[] {
  const compiled = compilePlan(plan);
  const contexts = runContexts(compiled, { key: '', attempt: 1, trigger });
  const ofStep = (idx: number): StepContexts => stepContexts(contexts, compiled, idx, () => undefined);
  const entry: RunEntry = {
    id: 0,
    key: '',
    compiled,
    trigger,
    contexts,
    policyKey: runKey(plan, trigger),
    namespace: 0,
  };
  return plan.steps.map((step, idx) =>
    askPolicy(policy, {
      entry,
      step,
      idx,
      contexts: ofStep(idx),
      isCompensation: false,
      gatedBy: gatedBy(compiled, idx, ofStep, () => true),
    }),
  );
}
