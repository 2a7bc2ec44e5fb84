import type { WorkStepHead } from '../define.ts';

export const NOTIFY_HEAD = {
  name: 'notify',
  kind: 'work',
  description:
    'Tells a webhook, or a chat that takes Slack’s messages, signed with HMAC-SHA256 where a secret is given.',
  isIdempotent: true,
  input: {
    type: 'object',
    required: ['url', 'message'],
    additionalProperties: false,
    properties: {
      url: { type: 'string', minLength: 1 },
      message: { type: 'string', minLength: 1, maxLength: 40_000 },
      format: { enum: ['webhook', 'slack'], default: 'webhook' },
      title: { type: 'string', maxLength: 150 },
      data: { type: 'object' },
      secret: { type: 'string', minLength: 1 },
    },
  },
  output: { type: 'object', required: ['status'], properties: { status: { type: 'integer' } } },
} as const satisfies WorkStepHead;
