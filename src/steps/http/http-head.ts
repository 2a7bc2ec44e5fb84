import type { WorkStepHead } from '../define.ts';

export const HTTP_HEAD = {
  name: 'http',
  kind: 'work',
  description: 'Sends one HTTP request. Repeated requests carry the same Idempotency-Key.',
  isIdempotent: true,
  input: {
    type: 'object',
    required: ['url'],
    additionalProperties: false,
    properties: {
      url: { type: 'string', minLength: 1, maxLength: 8192 },
      method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] },
      headers: { type: 'object', additionalProperties: { type: 'string' } },
      body: { type: 'string' },
      json: {},
      expect: {
        type: 'object',
        additionalProperties: false,
        properties: {
          status: {
            anyOf: [{ $ref: '#/$defs/status' }, { type: 'array', items: { $ref: '#/$defs/status' }, minItems: 1 }],
          },
        },
      },
      timeout: { type: 'string', description: 'Duration such as 30s' },
    },
    not: { required: ['body', 'json'] },
    $defs: { status: { type: 'integer', minimum: 100, maximum: 599 } },
  },
  output: {
    type: 'object',
    required: ['status', 'url', 'headers', 'body'],
    properties: {
      status: { type: 'integer' },
      url: { type: 'string' },
      headers: { type: 'object' },
      body: { type: 'string' },
      json: {},
    },
  },
} as const satisfies WorkStepHead;
