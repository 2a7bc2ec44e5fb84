import { digestBytes } from '../../../src/base/digest.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Lease, StepContexts, StepId } from '../../../src/protocol/lease.ts';
import { planStep } from '../../fakes/plans.ts';

/** A shell step that does nothing, and is not tried again. */
export function stepOf(changes: Partial<PlanStep> = {}): PlanStep {
  const backoff = { initialMs: 1000, factor: 2, maxMs: 60_000, jitter: 'none' } as const;
  return planStep('step', { retry: { max: 0, on: ['infra'], backoff }, ...changes });
}

export function leaseOf(
  changes: Partial<Lease> = {},
  step: Partial<PlanStep> = {},
  contexts: Partial<StepContexts> = {},
): Lease {
  return {
    stepId: '1.0',
    runId: 'run-1',
    attempt: 1,
    iteration: 0,
    fence: 1,
    planDigest: digestBytes('plan'),
    step: stepOf(step),
    contexts: {
      github: {},
      git: {},
      params: {},
      steps: {},
      matrix: {},
      run: { id: 'run-1', pipeline: 'demo' },
      env: {},
      ...contexts,
    },
    idempotencyKey: 'run-1/step/1',
    ...changes,
  };
}

export function leaseNumber(n: number): Lease {
  return leaseOf({ stepId: `1.${n}` as StepId });
}
