import type { SecretFact } from './facts.ts';
import { decisionOf, type PolicyBook } from './policy-book.ts';
import type { StepRecord1 } from './run-record.ts';
import { demand } from './verification-error.ts';

/** Values of secrets went only to steps that ran, and only where policy let them. */
export function checkSecrets(book: PolicyBook): void {
  for (const release of book.secrets.values()) checkRelease(release, book);
}

function checkRelease({ stepId, names, decisionId }: SecretFact, book: PolicyBook): void {
  const valid = (claim: boolean, message: string): void =>
    demand(claim, 'SECRET_INVALID', () => `secrets of step ${stepId}: ${message}`);
  const step = book.steps.get(stepId);
  valid(step !== undefined && hasBegun(step), 'released to a step that did not run');
  valid(names.length > 0 && new Set(names).size === names.length, 'expected their names, each once');
  const { decision } = decisionOf(decisionId, 'secret', `the release of secrets to step ${stepId}`, book);
  demand(
    decision === 'allow',
    'POLICY_MISMATCH',
    `secrets were released to step ${stepId} although policy did not allow it`,
  );
}

/** In this run. A loop counts the attempts of its last turn alone, which may not have begun. */
function hasBegun({ kind, carriedFrom, attempts, iteration }: StepRecord1): boolean {
  return kind === 'work' && carriedFrom === null && attempts + iteration > 0;
}
