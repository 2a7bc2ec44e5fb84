import type { JsonObject } from '../base/json.ts';

const TEXT = { $ref: '#/$defs/text' };
const ENV = { $ref: '#/$defs/env' };
const DURATION = { $ref: '#/$defs/duration' };
const WITH = { type: 'object' };
const TEXTS = { $ref: '#/$defs/names' };

const MATRIX = {
  type: ['object', 'string'],
  minProperties: 1,
  properties: {
    include: { type: ['array', 'string'], items: { type: 'object' } },
    exclude: { type: ['array', 'string'], items: { type: 'object' } },
  },
  propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_-]*$', description: 'a name of letters, digits, `_` and `-`' },
  additionalProperties: { type: ['array', 'string'] },
};

/** `$defs/step` of the pipeline schema. */
export const STEP_SCHEMA = {
  type: 'object',
  required: ['id'],
  properties: {
    id: {
      type: 'string',
      pattern: '^[A-Za-z_][A-Za-z0-9_-]{0,99}$',
      description: 'an id of letters, digits, `_` and `-`',
    },
    name: { type: 'string' },
    description: { type: 'string' },
    uses: TEXT,
    run: TEXT,
    shell: { $ref: '#/$defs/shell' },
    needs: TEXTS,
    if: { type: ['string', 'boolean'], minLength: 1 },
    with: WITH,
    env: ENV,
    'working-directory': TEXT,
    secrets: TEXTS,
    runner: TEXT,
    timeout: { $ref: '#/$defs/duration-template' },
    retry: { $ref: '#/$defs/retry' },
    retries: { $ref: '#/$defs/retries' },
    matrix: MATRIX,
    'for-each': { type: ['array', 'string'] },
    loop: { $ref: '#/$defs/loop' },
    cache: {
      type: 'object',
      required: ['key'],
      properties: { key: TEXT, ttl: DURATION, paths: TEXTS },
      additionalProperties: false,
    },
    artifacts: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'path'],
        properties: { name: TEXT, path: TEXT, required: { type: 'boolean' } },
        additionalProperties: false,
      },
    },
    outputs: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
    'continue-on-error': { type: ['boolean', 'string'], minLength: 1 },
    tags: TEXTS,
    egress: TEXTS,
    environment: TEXT,
    idempotent: { type: 'boolean' },
    budget: { $ref: '#/$defs/budget' },
    compensate: {
      type: 'object',
      properties: { uses: TEXT, run: TEXT, shell: { $ref: '#/$defs/shell' }, with: WITH, env: ENV, timeout: DURATION },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
} as const satisfies JsonObject;
