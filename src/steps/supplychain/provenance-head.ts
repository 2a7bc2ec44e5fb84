import { ATTEST_INPUT, ATTEST_OUTPUT } from '../attest/attest-schema.ts';
import { OWN_ARTIFACT } from '../attest/contents-schema.ts';
import type { WorkStepHead } from '../define.ts';

export const PROVENANCE_HEAD = {
  name: 'supplychain.provenance',
  kind: 'work',
  description: 'Has the conductor state how artifacts were built, as SLSA provenance.',
  isIdempotent: true,
  keeps: [OWN_ARTIFACT],
  input: ATTEST_INPUT,
  output: ATTEST_OUTPUT,
} as const satisfies WorkStepHead;
