import { ATTEST_INPUT, ATTEST_OUTPUT, attestContents } from '../attest/attest-contents.ts';
import { type ContentsInput, OWN_ARTIFACT } from '../attest/contents.ts';
import { defineStep } from '../define.ts';

/** What is stated, the conductor knows: nothing that the step says of the build is believed. */
export const provenanceStep = defineStep<ContentsInput>({
  name: 'supplychain.provenance',
  kind: 'work',
  description: 'Has the conductor state how artifacts were built, as SLSA provenance.',
  isIdempotent: true,
  keeps: [OWN_ARTIFACT],
  input: ATTEST_INPUT,
  output: ATTEST_OUTPUT,
  run: (context, input) => attestContents(context, input, 'provenance', '.intoto.jsonl'),
});
