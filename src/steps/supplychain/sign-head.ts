import { ATTEST_INPUT, ATTEST_OUTPUT } from '../attest/attest-schema.ts';
import { OWN_ARTIFACT } from '../attest/contents-schema.ts';
import type { WorkStepHead } from '../define.ts';

export const SIGN_HEAD = {
  name: 'supplychain.sign',
  kind: 'work',
  description: 'Has artifacts signed by the conductor, or an image by its digest.',
  isIdempotent: true,
  keeps: [OWN_ARTIFACT],
  input: ATTEST_INPUT,
  output: ATTEST_OUTPUT,
} as const satisfies WorkStepHead;
