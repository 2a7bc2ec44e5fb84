import type { Digest } from '../base/digest.ts';
import { stepAt } from './compiled-plan.ts';
import { environmentOfGate } from './gated-by.ts';
import { ancestorsOf, artifactsOf, promotedBy } from './promoted.ts';
import { resolveInputs } from './resolve-inputs.ts';
import { isFinal } from './run-state.ts';
import type { RunWork } from './run-work.ts';

/**
 * Environments to which this very run has brought all of these artifacts, or, where there are none, its commit: every step that
 * acts on them has succeeded. `sinceMs` is when the last one did.
 */
export function deployedWithin(
  work: RunWork,
  environments: readonly string[],
  artifacts: readonly Digest[],
): readonly { readonly environment: string; readonly sinceMs: number }[] {
  const { steps } = work.entry.compiled.plan;
  return environments.flatMap((environment) => {
    const own = steps.flatMap((step, idx) => (step.kind === 'work' && step.environment === environment ? [idx] : []));
    const states = own.map((idx) => work.state.steps[idx]);
    const isDone = states.some((state) => state?.status === 'succeeded');
    if (!isDone || !states.every((state) => state && isFinal(state) && ['succeeded', 'skipped'].includes(state.status)))
      return [];
    const brought = new Set(broughtTo(work, environment, own));
    if (!artifacts.every((digest) => brought.has(digest))) return [];
    const ends = own.map((idx) => work.rows[idx]?.finishedAt?.getTime() ?? 0);
    return [{ environment, sinceMs: Math.max(...ends) }];
  });
}

/** What its gates let pass, else what the steps there and before them made: as the run's deployments will say. */
function broughtTo(work: RunWork, environment: string, own: readonly number[]): readonly Digest[] {
  const { compiled } = work.entry;
  const gates = new Set(own.flatMap((idx) => compiled.facts[idx]?.promotions ?? []));
  const opened = [...gates].filter(
    (gate) =>
      work.state.steps[gate]?.status === 'succeeded' &&
      environmentOfGate(stepAt(compiled, gate), work.contexts(gate)) === environment,
  );
  if (opened.length > 0)
    return opened.flatMap((gate) => {
      const step = stepAt(compiled, gate);
      return promotedBy(work, { ...step, with: resolveInputs(step, work.contexts(gate)) });
    });
  return own.flatMap((idx) => {
    const step = stepAt(compiled, idx);
    return artifactsOf(work, [step.id, ...ancestorsOf(compiled, step)]);
  });
}
