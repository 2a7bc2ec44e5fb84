import { defineStep } from '../define.ts';

/** Settled by the engine: opened by enough answers, closed by a refusal or when it expires. */
export const approvalStep = defineStep({
  name: 'approval',
  kind: 'gate',
  description: 'Waits until people approve or deny.',
  isIdempotent: true,
  input: {
    type: 'object',
    additionalProperties: false,
    properties: {
      message: { type: 'string', maxLength: 4000, description: 'What is asked' },
      approvals: { type: 'integer', minimum: 1, maximum: 20, default: 1 },
      from: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        uniqueItems: true,
        maxItems: 100,
        description: 'Teams or people; absent: everybody who may approve',
      },
      'not-author': { type: 'boolean', default: false, description: 'Whoever started the run cannot approve it' },
      expires: { type: 'string', minLength: 1, description: 'Duration such as 24h, after which the gate is denied' },
    },
  },
});
