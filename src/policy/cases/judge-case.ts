import type { Answer } from '../answer.ts';
import type { Obligation, Verdict } from '../decision.ts';
import type { PolicyCase } from './policy-case.ts';

export interface CaseResult {
  readonly name: string;
  /** What is not as expected; null where the case passed. */
  readonly problem: string | null;
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly obligations: readonly Obligation[];
}

/** Holds what was answered against what a case expects. */
export function judgeCase(one: PolicyCase, { verdict, reasons, obligations }: Answer): CaseResult {
  return { name: one.name, problem: problemOf(one, { verdict, reasons, obligations }), verdict, reasons, obligations };
}

function problemOf({ verdict, rule, obligations }: PolicyCase, got: Answer): string | null {
  const reasons = got.reasons.length === 0 ? 'no reason' : got.reasons.join('; ');
  if (got.verdict !== verdict) return `expected ${verdict}, got ${got.verdict} (${reasons})`;
  if (rule !== null && !got.reasons.some((reason) => isOfRule(reason, rule)))
    return `expected a reason of ${rule}, got ${reasons}`;
  const missing = obligations.find(
    ({ type, value }) => !got.obligations.some((duty) => duty.type === type && duty.value === value),
  );
  if (missing === undefined) return null;
  const duties = got.obligations.map(({ type, value }) => `${type}=${String(value)}`).join(', ') || 'none';
  return `expected the obligation ${missing.type}=${String(missing.value)}, got ${duties}`;
}

/** `freeze` stands for `freeze/window: ...`, and not for `freezer/...`. */
function isOfRule(reason: string, rule: string): boolean {
  return reason.startsWith(rule) && !/^[\w-]/.test(reason.slice(rule.length));
}
