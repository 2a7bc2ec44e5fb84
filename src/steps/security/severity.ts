/** From the least to the worst. The words of the policy pack `supplychain`. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What it is not known how bad it is may be bad. */
const UNKNOWN: Severity = 'high';

const WORDS: Readonly<Record<string, Severity>> = {
  critical: 'critical',
  high: 'high',
  important: 'high',
  medium: 'medium',
  moderate: 'medium',
  low: 'low',
  info: 'low',
  negligible: 'low',
  minimal: 'low',
  none: 'low',
};

/** The severity that a scanner's word, in whatever case, stands for. An unknown one counts as high. */
export function severityOfWord(word: unknown): Severity {
  return (typeof word === 'string' ? WORDS[word.toLowerCase()] : undefined) ?? UNKNOWN;
}

/** @source CVSS v3.1, section 5: qualitative severity rating scale */
export function severityOfScore(score: unknown): Severity {
  const value = typeof score === 'string' && score.trim() !== '' ? Number(score) : score;
  if (typeof value !== 'number' || !Number.isFinite(value)) return UNKNOWN;
  return value >= 9 ? 'critical' : value >= 7 ? 'high' : value >= 4 ? 'medium' : 'low';
}

export function rankOf(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}
