import type { Decision, Verdict } from './decision.ts';

const MEANING: Readonly<Record<Verdict, string>> = {
  allow: 'allowed by policy',
  deny: 'denied by policy',
  ask: 'held by policy until somebody approves',
};

/** A decision as lines of text for people, without line ends. */
export function explainDecision(decision: Decision): readonly string[] {
  return [
    MEANING[decision.verdict],
    ...decision.reasons.map((reason) => `  - ${reason}`),
    ...decision.obligations.map(({ type, value }) => `  obliged to: ${type} = ${value}`),
    `  policy ${decision.packDigest}`,
    `  input  ${decision.inputDigest}`,
  ];
}
