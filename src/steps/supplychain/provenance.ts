import { defineStep } from '../define.ts';
import { ATTEST_INPUT, ATTEST_OUTPUT, type AttestInput, attestContents } from './attest-contents.ts';

/** What is stated, the conductor knows: nothing that the step says of the build is believed. */
export const provenanceStep = defineStep<AttestInput>({
  name: 'supplychain.provenance',
  kind: 'work',
  description: 'Has the conductor state how artifacts were built, as SLSA provenance.',
  isIdempotent: true,
  input: ATTEST_INPUT,
  output: ATTEST_OUTPUT,
  run: (context, input) => attestContents(context, input, 'provenance', '.intoto.jsonl'),
});
