import { attestContents } from '../attest/attest-contents.ts';
import type { ContentsInput } from '../attest/contents.ts';
import { defineStep } from '../define.ts';
import { SIGN_HEAD } from './sign-head.ts';

/** The signature is made where the run is conducted, by a key that no step can reach. */
export const signStep = defineStep<ContentsInput>({
  ...SIGN_HEAD,
  run: (context, input) => attestContents(context, input, 'signature', '.sigstore.json'),
});
