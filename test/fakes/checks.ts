import type { CheckSpec } from '../../src/protocol/check.ts';

/** A check of a run that goes on, and says nothing more. */
export function checkSpec(change: Partial<CheckSpec> = {}): CheckSpec {
  return {
    externalId: 'r1',
    name: 'maestro / ci',
    status: 'in_progress',
    conclusion: null,
    title: 'Under way',
    summary: '',
    text: null,
    annotations: [],
    actions: [],
    detailsUrl: null,
    startedAt: null,
    completedAt: null,
    ...change,
  };
}
