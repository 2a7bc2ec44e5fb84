import type { PolicyEngine } from '../policy/evaluate.ts';
import { runInput, runKey } from '../policy/input-from-plan.ts';
import type { PlanPreview, StartRun } from '../protocol/client.ts';
import { askPolicy } from './admission.ts';
import { compilePlan } from './compiled-plan.ts';
import { runContexts, stepContexts } from './contexts.ts';
import { gatedBy } from './gated-by.ts';
import type { RunEntry } from './run-entry.ts';
import { decisionView } from './run-view.ts';

/** What policy would say to a run and to each of its steps. Writes nothing and runs nothing. */
export function previewPlan(policy: PolicyEngine, { plan, trigger }: StartRun): PlanPreview {
  const compiled = compilePlan(plan);
  const contexts = runContexts(compiled, { key: '', attempt: 1, trigger });
  const entry: RunEntry = {
    id: 0,
    key: '',
    compiled,
    trigger,
    contexts,
    policyKey: runKey(plan, trigger),
    namespace: 0,
  };
  return {
    digest: compiled.digest,
    run: decisionView(policy.evaluate(runInput(plan, trigger))),
    steps: plan.steps.map((step, idx) => {
      const asked = askPolicy(policy, {
        entry,
        step,
        idx,
        contexts: stepContexts(contexts, compiled, idx, () => undefined),
        isCompensation: false,
        gatedBy: gatedBy(
          compiled,
          idx,
          (gate) => stepContexts(contexts, compiled, gate, () => undefined),
          () => true,
        ),
      });
      return { step: step.id, decision: decisionView(asked.decision) };
    }),
    estimate: { steps: plan.steps.length, microUsd: 0, durationMs: null },
  };
}
