import type { WorkStepHead } from '../define.ts';

export const TRANSFORM_HEAD = {
  name: 'transform',
  kind: 'work',
  description: 'Reshapes JSON with a JSONata expression; the answer is `result.value`.',
  isIdempotent: true,
  input: {
    type: 'object',
    required: ['expression'],
    additionalProperties: false,
    properties: { expression: { type: 'string', minLength: 1, maxLength: 65_536 }, input: {} },
  },
  output: { type: 'object', required: ['value'], properties: { value: {} } },
} as const satisfies WorkStepHead;
