import { attestContents } from '../attest/attest-contents.ts';
import type { ContentsInput } from '../attest/contents.ts';
import { defineStep } from '../define.ts';
import { PROVENANCE_HEAD } from './provenance-head.ts';

/** What is stated, the conductor knows: nothing that the step says of the build is believed. */
export const provenanceStep = defineStep<ContentsInput>({
  ...PROVENANCE_HEAD,
  run: (context, input) => attestContents(context, input, 'provenance', '.intoto.jsonl'),
});
