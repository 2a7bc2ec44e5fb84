import { defineStep } from '../define.ts';

/** Nothing runs meanwhile: the engine sets a timer. */
export const waitStep = defineStep({
  name: 'wait',
  kind: 'wait',
  description: 'Waits for a duration (`for: 10m`) or until a moment (`until`, RFC 3339).',
  isIdempotent: true,
  input: {
    type: 'object',
    additionalProperties: false,
    properties: {
      for: { type: 'string', minLength: 1, description: 'Duration such as 90s, 20m, 7d' },
      until: { type: 'string', minLength: 1, description: 'RFC 3339 time such as 2027-01-31T08:00:00Z' },
    },
    oneOf: [{ required: ['for'] }, { required: ['until'] }],
  },
});
