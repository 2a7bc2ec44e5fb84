import type { JsonObject } from '../base/json.ts';

const NAMES = { $ref: '#/$defs/names' };
const CODE_FILTER = { branches: NAMES, 'branches-ignore': NAMES, paths: NAMES, 'paths-ignore': NAMES };

/** A trigger's settings: a map of these keys, or nothing. */
function settings(properties: JsonObject): JsonObject {
  return { type: ['object', 'null'], properties, additionalProperties: false };
}

const TRIGGER_NAMES = [
  'push',
  'pull_request',
  'pr',
  'merge_group',
  'tag',
  'release',
  'schedule',
  'command',
  'dispatch',
] as const;

/** `$defs/triggers` of the pipeline schema: one name, a list of names, or a map of names to settings. */
export const TRIGGERS_SCHEMA: JsonObject = {
  type: ['object', 'array', 'string', 'null'],
  items: { enum: TRIGGER_NAMES },
  properties: {
    push: settings({ ...CODE_FILTER, tags: NAMES }),
    pull_request: settings({ ...CODE_FILTER, types: NAMES }),
    pr: settings({ ...CODE_FILTER, types: NAMES }),
    merge_group: settings({ branches: NAMES }),
    tag: settings({ tags: NAMES }),
    release: settings({ types: NAMES }),
    schedule: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['cron'],
        properties: { cron: { type: 'string' }, timezone: { type: 'string', minLength: 1 } },
        additionalProperties: false,
      },
    },
    command: {
      type: 'object',
      required: ['name'],
      properties: {
        name: {
          type: 'string',
          pattern: '^[a-z][a-z0-9-]*$',
          description: 'a name of lower-case letters, digits and dashes',
        },
        permission: { enum: ['read', 'triage', 'write', 'maintain', 'admin'] },
      },
      additionalProperties: false,
    },
    dispatch: { type: ['object', 'null'], additionalProperties: false },
  },
  additionalProperties: false,
};
