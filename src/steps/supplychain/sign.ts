import { defineStep } from '../define.ts';
import { ATTEST_INPUT, ATTEST_OUTPUT, type AttestInput, attestContents } from './attest-contents.ts';

/** The signature is made where the run is conducted, by a key that no step can reach. */
export const signStep = defineStep<AttestInput>({
  name: 'supplychain.sign',
  kind: 'work',
  description: 'Has artifacts signed by the conductor, or an image by its digest.',
  isIdempotent: true,
  input: ATTEST_INPUT,
  output: ATTEST_OUTPUT,
  run: (context, input) => attestContents(context, input, 'signature', '.sigstore.json'),
});
