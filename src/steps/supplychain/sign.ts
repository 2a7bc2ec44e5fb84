import { ATTEST_INPUT, ATTEST_OUTPUT, attestContents } from '../attest/attest-contents.ts';
import { type ContentsInput, OWN_ARTIFACT } from '../attest/contents.ts';
import { defineStep } from '../define.ts';

/** The signature is made where the run is conducted, by a key that no step can reach. */
export const signStep = defineStep<ContentsInput>({
  name: 'supplychain.sign',
  kind: 'work',
  description: 'Has artifacts signed by the conductor, or an image by its digest.',
  isIdempotent: true,
  keeps: [OWN_ARTIFACT],
  input: ATTEST_INPUT,
  output: ATTEST_OUTPUT,
  run: (context, input) => attestContents(context, input, 'signature', '.sigstore.json'),
});
