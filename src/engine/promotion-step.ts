import { isFreezeGate, isPromoteGate } from '../pipeline/gate-kinds.ts';
import type { PlanStep } from '../pipeline/plan.ts';

/** Facts that nobody tells of are looked for again after this long. */
export const JUDGE_AGAIN_MS = 60_000;
/** Where the time is known before which nothing opens, other facts are looked for this often meanwhile. */
export const JUDGE_LATEST_MS = 600_000;

/** Gates that policy judges with what it knows of an environment, besides people. */
export function isPromotion(step: Pick<PlanStep, 'code'>): boolean {
  return isPromoteGate(step) || isFreezeGate(step);
}
