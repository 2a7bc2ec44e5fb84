import type { JsonObject } from '../base/json.ts';

/** The words that receipts' schemas are written in. */
export const text = { type: 'string' } as const;
export const name = { type: 'string', minLength: 1 } as const;
export const count = { type: 'integer', minimum: 0 } as const;
export const flag = { type: 'boolean' } as const;
export const digest = { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } as const;
export const sha256 = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;
export const time = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$',
} as const;
export const size = { type: 'string', pattern: '^(0|[1-9]\\d{0,18})$' } as const;
/** May be negative here: the ledger's own check refuses that with its own code. */
export const amount = { type: 'string', pattern: '^(0|-?[1-9]\\d{0,18})$' } as const;
export const commit = { type: 'string', pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' } as const;

/** The fields of one object, each with its schema. */
export type Fields = Readonly<Record<string, JsonObject>>;

/**
 * JSON Schema (2020-12) of a predicate. Every object is closed and every field required: what is unknown is null, so nothing
 * can hide in a field that readers skip. Definitions may refer to those before them.
 */
export function predicateSchema(
  $id: string,
  fields: Fields,
  definitions: Readonly<Record<string, Fields>>,
): JsonObject {
  const $defs = Object.fromEntries(Object.entries(definitions).map(([name, fields]) => [name, object(fields)]));
  const $schema = 'https://json-schema.org/draft/2020-12/schema';
  return { $schema, $id, title: 'Maestro run receipt', ...object(fields), $defs };
}

export function object(properties: Fields): JsonObject {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

export function list(items: JsonObject): JsonObject {
  return { type: 'array', items };
}

export function ref(definition: string): JsonObject {
  return { $ref: `#/$defs/${definition}` };
}

export function oneOf(...values: string[]): JsonObject {
  return { enum: values };
}

export function orNull(schema: JsonObject): JsonObject {
  return { anyOf: [{ type: 'null' }, schema] };
}
