import { deriveOutputs, deriveStepsRoot, type ReceiptPredicate } from './receipt.ts';
import type { StepRecord1 } from './run-record.ts';
import { demand } from './verification-error.ts';

/** The steps are those of the plan, in its order, and each of them makes sense by itself. */
export function checkSteps(predicate: ReceiptPredicate): void {
  checkCount(predicate);
  checkPlan(predicate);
  checkRoot(predicate);
  predicate.steps.forEach(checkStep);
  checkNeeds(predicate);
  checkOutputs(predicate);
}

/**
 * The run's status follows from its steps:
 * - `rejected`: nothing ran;
 * - `succeeded`: every step succeeded, was skipped, or failed where failure was allowed;
 * - `failed`: a step failed where it was not allowed, or was denied;
 * - `cancelled`: any, for a cancel may come when the last step is about to end.
 */
export function checkStatus({ run, steps }: ReceiptPredicate): void {
  const culprit = steps.find((step) => !step.isCompensation && isFatal(step));
  const unfinished = steps.find((step) => !step.isCompensation && step.status === 'cancelled');
  const ran = steps.find(hasRun);
  const hasUndone = steps.some((step) => step.isCompensation);
  const isPossible = {
    rejected: ran === undefined,
    succeeded: culprit === undefined && unfinished === undefined && !hasUndone,
    failed: culprit !== undefined,
    cancelled: true,
  }[run.status];
  demand(isPossible, 'STATUS_INCONSISTENT', () => {
    const because = culprit ?? unfinished ?? ran;
    return `the run is said to have ${run.status}, but ${because ? `step ${because.id} ${because.status}` : 'no step failed'}`;
  });
}

/** Something was executed for this step in this run, so policy must have let it. */
export function hasRun(step: StepRecord1): boolean {
  return step.carriedFrom === null && (step.attempts > 0 || step.status === 'succeeded');
}

function isFatal(step: StepRecord1): boolean {
  return step.status === 'denied' || (step.status === 'failed' && !step.isFailureAbsorbed);
}

function checkCount({ steps, stepCount }: ReceiptPredicate): void {
  demand(steps.length === stepCount, 'STEP_COUNT_MISMATCH', `expected ${stepCount} steps, got ${steps.length}`);
}

function checkPlan({ plan, steps }: ReceiptPredicate): void {
  demand(new Set(plan.stepIds).size === plan.stepIds.length, 'PLAN_MISMATCH', 'the plan names a step twice');
  const found = new Set(steps.map((step) => step.id));
  demand(found.size === steps.length, 'PLAN_MISMATCH', 'two steps have the same id');
  plan.stepIds.forEach((id, index) => {
    const step = steps[index];
    const isIt = step?.id === id && !step.isCompensation;
    demand(
      isIt,
      'PLAN_MISMATCH',
      () => `expected step ${id} of the plan at position ${index}, got ${step?.id ?? 'nothing'}`,
    );
  });
  const stray = steps.slice(plan.stepIds.length).find((step) => !step.isCompensation);
  demand(stray === undefined, 'PLAN_MISMATCH', () => `step ${stray?.id} is not in the plan`);
}

function checkRoot({ steps, stepsRoot }: ReceiptPredicate): void {
  demand(deriveStepsRoot(steps) === stepsRoot, 'STEPS_ROOT_MISMATCH', 'the steps do not hash to stepsRoot');
}

function checkStep(step: StepRecord1, index: number): void {
  const consistent = (claim: boolean, message: string): void =>
    demand(claim, 'STEP_INCONSISTENT', () => `step ${step.id}: ${message}`);
  consistent(step.seq === index, `expected seq ${index}, got ${step.seq}`);
  const isEnded = step.status === 'succeeded' || step.status === 'failed';
  consistent(step.status !== 'succeeded' || (step.exit ?? 0) === 0, `succeeded with exit status ${step.exit}`);
  consistent(step.status !== 'skipped' || (step.attempts === 0 && step.outputs.length === 0), 'skipped, but it ran');
  consistent(!step.isFailureAbsorbed || step.status === 'failed', `an absorbed failure, but it ${step.status}`);
  if (step.carriedFrom !== null) consistent(isEnded || step.status === 'skipped', 'carried over without a result');
  else if (step.kind === 'work') checkWork(step, consistent);
}

function checkWork(step: StepRecord1, consistent: (claim: boolean, message: string) => void): void {
  consistent(step.status !== 'succeeded' || step.attempts > 0, 'succeeded without an attempt');
  const isTimed = step.startedOn !== null && step.finishedOn !== null;
  const isOver = step.status === 'succeeded' || (step.status === 'failed' && step.attempts > 0);
  consistent(!isOver || isTimed, `${step.status} without times`);
}

function checkNeeds({ plan, steps }: ReceiptPredicate): void {
  const earlier = new Map<string, StepRecord1>();
  for (const step of steps) {
    const unknown = step.needs.find((id) => !earlier.has(id));
    demand(
      unknown === undefined,
      'PLAN_MISMATCH',
      () => `step ${step.id} needs ${unknown}, which is not an earlier step`,
    );
    if (step.seq < plan.stepIds.length) earlier.set(step.id, step);
    else checkCompensation(step, earlier);
  }
}

function checkCompensation(step: StepRecord1, planned: ReadonlyMap<string, StepRecord1>): void {
  const undone = step.needs.length === 1 ? planned.get(step.needs[0] as string) : undefined;
  demand(undone?.status === 'succeeded', 'STEP_INCONSISTENT', `compensation ${step.id} undoes no step that succeeded`);
}

function checkOutputs({ steps, outputs }: ReceiptPredicate): void {
  const expected = deriveOutputs(steps);
  const isEqual =
    expected.length === outputs.length &&
    expected.every((output, index) => {
      const other = outputs[index];
      return (
        output.stepId === other?.stepId &&
        output.name === other.name &&
        output.path === other.path &&
        output.digest === other.digest &&
        output.sizeBytes === other.sizeBytes
      );
    });
  demand(isEqual, 'OUTPUTS_MISMATCH', 'the outputs of the run are not those of its steps');
}
