import type { JsonObject } from '../base/json.ts';
import { LOOP_MAX, RETRIES_MAX, STEPS_MAX } from './limits.ts';
import { RELEASE_SCHEMA } from './schema-release.ts';
import { STEP_SCHEMA } from './schema-step.ts';
import { TRIGGERS_SCHEMA } from './schema-triggers.ts';

const NAME = {
  type: 'string',
  pattern: '^[a-z0-9][a-z0-9-]{2,63}$',
  description: '3 to 64 lower-case letters, digits and dashes',
};
const SEMVER = {
  type: 'string',
  pattern: '^\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$',
  description: 'a semantic version such as 1.4.0',
};

const PARAM = {
  type: ['object', 'string', 'number', 'boolean', 'array', 'null'],
  description: 'a parameter: { type, default, ... }, or its default alone',
  properties: {
    type: { enum: ['string', 'number', 'boolean', 'enum', 'array', 'object'] },
    enum: { type: 'array', minItems: 1 },
    default: true,
    required: { type: 'boolean' },
    description: { type: 'string' },
  },
  additionalProperties: false,
};

const PARAMS = {
  type: 'object',
  propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_-]{0,63}$', description: 'a name of letters, digits, `_` and `-`' },
  additionalProperties: { $ref: '#/$defs/param' },
};

const STEPS = { type: 'array', minItems: 1, maxItems: STEPS_MAX, items: { $ref: '#/$defs/step' } };

/** JSON Schema 2020-12 of a pipeline file, as editors use it. Meaning (order, names, expressions) is checked after it. */
export const PIPELINE_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://maestro-conductor.dev/schema/pipeline/v1',
  title: 'Maestro pipeline',
  type: 'object',
  required: ['name'],
  properties: {
    $schema: { type: 'string' },
    name: NAME,
    version: SEMVER,
    description: { type: 'string' },
    kind: { enum: ['ci', 'ops', 'data', 'chaos', 'demo'] },
    on: { $ref: '#/$defs/triggers' },
    params: PARAMS,
    inputs: PARAMS,
    purpose: { type: 'string', minLength: 1 },
    authority: { type: 'string', minLength: 1 },
    licence: { type: 'string', minLength: 1 },
    autonomy: { enum: ['L0', 'L1', 'L2', 'L3', 'L4', 'L5'] },
    budget: { $ref: '#/$defs/budget' },
    concurrency: {
      type: ['string', 'object'],
      minLength: 1,
      required: ['group'],
      properties: { group: { type: 'string', minLength: 1 }, 'cancel-in-progress': { type: 'boolean' } },
      additionalProperties: false,
    },
    release: { $ref: '#/$defs/release' },
    env: { $ref: '#/$defs/env' },
    defaults: {
      type: 'object',
      properties: {
        runner: { $ref: '#/$defs/text' },
        shell: { $ref: '#/$defs/shell' },
        timeout: { $ref: '#/$defs/duration' },
        retry: { $ref: '#/$defs/retry' },
        'working-directory': { $ref: '#/$defs/text' },
      },
      additionalProperties: false,
    },
    steps: STEPS,
    tasks: STEPS,
  },
  additionalProperties: false,
  $defs: {
    param: PARAM,
    step: STEP_SCHEMA,
    triggers: TRIGGERS_SCHEMA,
    release: RELEASE_SCHEMA,
    text: { type: 'string', minLength: 1 },
    shell: { enum: ['bash', 'sh', 'pwsh', 'python'] },
    names: { type: ['string', 'array'], items: { type: 'string', minLength: 1 } },
    env: {
      type: 'object',
      propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$', description: 'a variable name of letters, digits and `_`' },
      additionalProperties: { type: ['string', 'number', 'boolean'] },
    },
    duration: {
      type: 'string',
      pattern: '^\\d{1,9}(ms|s|m|h|d)$',
      description: 'a duration with its unit, such as 90s, 20m or 7d',
    },
    'duration-template': {
      type: 'string',
      pattern: '^\\d{1,9}(ms|s|m|h|d)$|\\$\\{\\{',
      description: 'a duration with its unit, such as 90s, 20m or 7d',
    },
    budget: {
      type: ['string', 'object'],
      pattern: '^\\d{1,9}(\\.\\d{1,6})?usd$',
      description: 'an amount such as 5usd, or { usd, tokens, minutes, soft }',
      properties: {
        usd: { type: 'number', minimum: 0, maximum: 1_000_000_000 },
        tokens: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        minutes: { type: 'number', minimum: 0, maximum: 10_000_000 },
        soft: { type: 'number', minimum: 0, maximum: 1 },
      },
      additionalProperties: false,
    },
    retries: { type: 'integer', minimum: 0, maximum: RETRIES_MAX },
    retry: {
      type: ['object', 'integer'],
      minimum: 0,
      maximum: RETRIES_MAX,
      properties: {
        max: { $ref: '#/$defs/retries' },
        on: { type: 'array', uniqueItems: true, items: { enum: ['infra', 'timeout', 'rate-limit', 'step'] } },
        backoff: {
          type: 'object',
          properties: {
            initial: { $ref: '#/$defs/duration' },
            factor: { type: 'number', minimum: 1, maximum: 100 },
            max: { $ref: '#/$defs/duration' },
            jitter: { enum: ['none', 'full'] },
          },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
    loop: {
      type: 'object',
      required: ['until', 'max'],
      properties: { until: { $ref: '#/$defs/text' }, max: { type: 'integer', minimum: 1, maximum: LOOP_MAX } },
      additionalProperties: false,
    },
  },
} as const satisfies JsonObject;
