import { isFinal } from './run-state.ts';
import type { RunWork } from './run-work.ts';

/**
 * Environments to which this very run has deployed: every step that acts on them has succeeded. `sinceMs` is when the last
 * one did.
 */
export function deployedWithin(
  work: RunWork,
  environments: readonly string[],
): readonly { readonly environment: string; readonly sinceMs: number }[] {
  const { steps } = work.entry.compiled.plan;
  return environments.flatMap((environment) => {
    const own = steps.flatMap((step, idx) => (step.kind === 'work' && step.environment === environment ? [idx] : []));
    const states = own.map((idx) => work.state.steps[idx]);
    const isDone = states.some((state) => state?.status === 'succeeded');
    if (!isDone || !states.every((state) => state && isFinal(state) && ['succeeded', 'skipped'].includes(state.status)))
      return [];
    const ends = own.map((idx) => work.rows[idx]?.finishedAt?.getTime() ?? 0);
    return [{ environment, sinceMs: Math.max(...ends) }];
  });
}
