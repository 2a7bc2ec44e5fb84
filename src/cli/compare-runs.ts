import { digestJson } from '../base/digest.ts';
import type { RunStatus, RunView, StepStatus, StepView } from '../protocol/run.ts';

/** What differs between two runs of one plan. Durations are shown but are no difference. */
export interface RunComparison {
  readonly isEqual: boolean;
  readonly before: { readonly id: string; readonly status: RunStatus };
  readonly after: { readonly id: string; readonly status: RunStatus };
  readonly steps: readonly StepComparison[];
}

interface StepComparison {
  readonly id: string;
  /** Null where the run has no such step. */
  readonly before: StepStatus | null;
  readonly after: StepStatus | null;
  readonly beforeMs: number | null;
  readonly afterMs: number | null;
  /** The second run took the result from the cache. */
  readonly isCacheHit: boolean;
  readonly differences: readonly Difference[];
}

type Difference = 'presence' | 'status' | 'exit code' | 'outputs' | 'artifacts';

export function compareRuns(before: RunView, after: RunView): RunComparison {
  const others = new Map(after.steps.map((step) => [step.id, step]));
  const known = new Set(before.steps.map(({ id }) => id));
  const steps = [
    ...before.steps.map((step) => compareSteps(step.id, step, others.get(step.id))),
    ...after.steps.filter(({ id }) => !known.has(id)).map((step) => compareSteps(step.id, undefined, step)),
  ];
  return {
    isEqual: before.status === after.status && steps.every(({ differences }) => differences.length === 0),
    before: { id: before.id, status: before.status },
    after: { id: after.id, status: after.status },
    steps,
  };
}

function compareSteps(id: string, before: StepView | undefined, after: StepView | undefined): StepComparison {
  return {
    id,
    before: before?.status ?? null,
    after: after?.status ?? null,
    beforeMs: durationMs(before),
    afterMs: durationMs(after),
    isCacheHit: after?.isCacheHit === true,
    differences: before && after ? differencesOf(before, after) : ['presence'],
  };
}

function differencesOf(before: StepView, after: StepView): readonly Difference[] {
  const differences: Difference[] = [];
  if (before.status !== after.status) differences.push('status');
  // A result from the cache ran no program, so it has no exit code to compare.
  const bothRan = !before.isCacheHit && !after.isCacheHit;
  if (bothRan && before.exitCode !== after.exitCode) differences.push('exit code');
  if (digestJson(before.outputs) !== digestJson(after.outputs)) differences.push('outputs');
  if (artifactsDigest(before) !== artifactsDigest(after)) differences.push('artifacts');
  return differences;
}

function artifactsDigest(step: StepView): string {
  return digestJson(step.artifacts.map(({ name, path, digest }) => `${name} ${path} ${digest}`).sort());
}

function durationMs(step: StepView | undefined): number | null {
  if (!step?.startedAt || !step.finishedAt) return null;
  return Date.parse(step.finishedAt) - Date.parse(step.startedAt);
}
