import { type Finding, tellFinding } from './finding.ts';
import { rankOf, SEVERITIES, type Severity } from './severity.ts';

export interface ScanLimits {
  /** Fails at any finding of this severity or worse. Default: high, where `max` is absent too. */
  readonly threshold?: Severity;
  /** The most findings of a severity with which it passes. */
  readonly max?: Readonly<Partial<Record<Severity, number>>>;
}

export type Counts = Readonly<Record<Severity, number>>;

const THRESHOLD_DEFAULT: Severity = 'high';
/** Findings that a failure names. */
const TOLD_MAX = 5;

export function countBySeverity(findings: readonly Finding[]): Counts {
  const counts = { low: 0, medium: 0, high: 0, critical: 0 };
  for (const { severity } of findings) counts[severity]++;
  return counts;
}

/**
 * Why the scan does not pass; undefined where it does. Both limits hold: the rules of the policy pack `supplychain` take a
 * threshold for enough, whatever `max` says, and the reverse.
 *
 * @param findings the worst first
 */
export function whyTooWeak(findings: readonly Finding[], limits: ScanLimits): string | undefined {
  const counts = countBySeverity(findings);
  const over = SEVERITIES.filter((severity) => counts[severity] > most(severity, limits));
  if (over.length === 0) return undefined;
  const sums = over
    .toReversed()
    .map((severity) => `${counts[severity]} ${severity} (at most ${most(severity, limits)})`);
  const worst = findings.filter(({ severity }) => over.includes(severity));
  const told = worst.slice(0, TOLD_MAX).map(tellFinding);
  const more = worst.length > TOLD_MAX ? `; and ${worst.length - TOLD_MAX} more` : '';
  return `${sums.join(', ')}: ${told.join('; ')}${more}`;
}

function most(severity: Severity, { threshold, max }: ScanLimits): number {
  const from = threshold ?? (max === undefined ? THRESHOLD_DEFAULT : undefined);
  const byThreshold = from !== undefined && rankOf(severity) >= rankOf(from) ? 0 : Number.POSITIVE_INFINITY;
  return Math.min(byThreshold, max?.[severity] ?? Number.POSITIVE_INFINITY);
}
