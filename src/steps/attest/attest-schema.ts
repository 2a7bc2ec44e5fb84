import type { JsonObject } from '../../base/json.ts';
import { CONTENTS_DEPENDENCIES, CONTENTS_PROPERTIES } from './contents-schema.ts';

/** JSON Schema of `ContentsInput`, where contents have to be named. */
export const ATTEST_INPUT: JsonObject = {
  type: 'object',
  additionalProperties: false,
  properties: CONTENTS_PROPERTIES,
  anyOf: [{ required: ['artifact'] }, { required: ['image'] }],
  dependentRequired: CONTENTS_DEPENDENCIES,
};

/** JSON Schema of what such a step answers. */
export const ATTEST_OUTPUT: JsonObject = {
  type: 'object',
  required: ['attested'],
  properties: {
    attested: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'digest', 'bundle'],
        properties: { name: { type: 'string' }, digest: { type: 'string' }, bundle: { type: 'string' } },
      },
    },
  },
};
