import { defineStep } from '../define.ts';

/** Settled by the engine: it opens when no freeze window of the environment is open. */
export const freezeStep = defineStep({
  name: 'gate.freeze',
  kind: 'gate',
  description: 'Waits while an environment is frozen.',
  isIdempotent: true,
  input: {
    type: 'object',
    additionalProperties: false,
    required: ['environment'],
    properties: {
      environment: { type: 'string', minLength: 1, maxLength: 100, description: 'As policy names it' },
      message: { type: 'string', maxLength: 4000, description: 'What is waited for' },
      expires: { type: 'string', minLength: 1, description: 'Duration such as 24h, after which the gate is denied' },
    },
  },
});
