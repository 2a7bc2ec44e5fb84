import { MaestroError } from '../base/errors.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import type { AttestationKind } from '../protocol/attestation.ts';

const EVERYTHING: readonly AttestationKind[] = [
  'provenance',
  'signature',
  'sbom',
  'vulnerabilities',
  'vex',
  'test-result',
];

/**
 * What each step may ask to be stated. A worker says which step it runs, but what the step uses stands in the plan, which policy
 * has allowed: a script can neither ask by itself nor be passed off as one of these.
 */
const MAY_ASK: ReadonlyMap<string, readonly AttestationKind[]> = new Map([
  ['supplychain.sign', ['signature']],
  ['supplychain.provenance', ['provenance']],
  ['supplychain.sbom', ['sbom']],
  ['security.scan', ['vulnerabilities', 'vex', 'test-result']],
  ['build.container', ['signature', 'provenance', 'sbom']],
  ['registry.push', EVERYTHING],
]);

/** Whether a step may ask for statements at all. */
export function mayAttest({ uses }: Pick<PlanStep, 'uses'>): boolean {
  return MAY_ASK.has(nameOf(uses));
}

/** @throws POLICY_DENIED */
export function assertMayAttest({ uses }: Pick<PlanStep, 'uses'>, kind: AttestationKind): void {
  if (MAY_ASK.get(nameOf(uses))?.includes(kind)) return;
  const kinds = MAY_ASK.get(nameOf(uses));
  const allowed = kinds ? `may ask for ${kinds.join(', ')} alone` : 'may ask for no statement';
  throw new MaestroError('POLICY_DENIED', `a step that uses ${uses} ${allowed}, and asked for ${kind}`);
}

function nameOf(uses: string): string {
  return uses.split('@')[0] ?? uses;
}
