import type { Json } from '../../base/json.ts';
import { OUTPUT_BYTES_MAX } from '../../protocol/outcome.ts';
import { defineStep } from '../define.ts';
import { computeInThread } from '../thread.ts';
import { TRANSFORM_HEAD } from './transform-head.ts';

/** Time that an expression gets; far beyond what reshaping a document takes. */
const TRANSFORM_MS_MAX = 10_000;

interface TransformInput {
  readonly expression: string;
  readonly input?: Json;
}

export const transformStep = defineStep<TransformInput>({
  ...TRANSFORM_HEAD,
  run: async (context, { expression, input }) => {
    const value = await computeInThread({
      module: new URL('./transform-thread.ts', import.meta.url),
      data: { expression, input: input ?? null, bytesMax: OUTPUT_BYTES_MAX },
      timeoutMs: TRANSFORM_MS_MAX,
      signal: context.signal,
    });
    return { kind: 'succeeded', result: { value } };
  },
});
