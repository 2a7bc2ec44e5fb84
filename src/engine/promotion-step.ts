import type { PlanStep } from '../pipeline/plan.ts';

const PROMOTE = 'gate.promote';
const FREEZE = 'gate.freeze';
/** Facts that nobody tells of are looked for again after this long. */
export const JUDGE_AGAIN_MS = 60_000;

export function isPromote({ uses }: Pick<PlanStep, 'uses'>): boolean {
  return baseName(uses) === PROMOTE;
}

/** Gates that policy judges with what it knows of an environment, besides people. */
export function isPromotion({ uses }: Pick<PlanStep, 'uses'>): boolean {
  return [PROMOTE, FREEZE].includes(baseName(uses));
}

function baseName(uses: string): string {
  return uses.split('@', 1)[0] ?? '';
}
