import type { WorkStepHead } from '../define.ts';

export const SCHEMA_VALIDATE_HEAD = {
  name: 'schema-validate',
  kind: 'work',
  description: 'Holds data, or a JSON or YAML file, to a JSON Schema 2020-12.',
  isIdempotent: true,
  input: {
    type: 'object',
    required: ['schema'],
    additionalProperties: false,
    properties: {
      schema: { type: ['object', 'string'], description: 'The schema, or the path of its file' },
      data: {},
      file: { type: 'string', minLength: 1 },
    },
    oneOf: [{ required: ['data'] }, { required: ['file'] }],
  },
  output: {
    type: 'object',
    required: ['isValid', 'problems'],
    properties: { isValid: { type: 'boolean' }, problems: { type: 'array', items: { type: 'string' } } },
  },
} as const satisfies WorkStepHead;
