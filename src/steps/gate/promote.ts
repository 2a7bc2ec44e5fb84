import { defineStep } from '../define.ts';

/** Settled by the engine: policy, checks, soak time, freeze windows and people decide together. */
export const promoteStep = defineStep({
  name: 'gate.promote',
  kind: 'gate',
  description: 'Waits until what the steps before it made may go to an environment.',
  isIdempotent: true,
  input: {
    type: 'object',
    additionalProperties: false,
    required: ['environment'],
    properties: {
      environment: { type: 'string', minLength: 1, maxLength: 255, description: 'Where to, as policy names it' },
      artifacts: {
        type: ['array', 'string'],
        items: { type: 'string', minLength: 1, maxLength: 200 },
        maxItems: 1000,
        description:
          'Digests (sha256:...) of what is promoted; absent: the artifacts of the steps before it, else the commit',
      },
      message: { type: 'string', maxLength: 4000, description: 'What is asked' },
      approvals: {
        type: 'integer',
        minimum: 1,
        maximum: 20,
        description: 'People who have to agree, where policy does not want more',
      },
      from: {
        type: 'array',
        items: { type: 'string', minLength: 1, maxLength: 200 },
        uniqueItems: true,
        maxItems: 100,
        description: 'Teams (organisation/team), roles (role:NAME) or people who may agree, besides what policy wants',
      },
      'not-author': { type: 'boolean', description: 'Whoever wrote or started it cannot approve it' },
      expires: { type: 'string', minLength: 1, description: 'Duration such as 24h, after which the gate is denied' },
    },
  },
});
