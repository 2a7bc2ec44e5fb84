import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';

/** What is wrong with a value and where (`/steps/3/exit: expected …`); undefined where it conforms. */
export type FaultFinder = (value: Json) => string | undefined;

type Check = (value: Json, path: string) => string | undefined;

const REF_PREFIX = '#/$defs/';

/**
 * Compiles the part of JSON Schema (2020-12) that the receipt's schema uses: closed objects, lists, texts, integers, enums
 * and `null or`. A general validator costs 170 ms at each start of `maestro verify`; this one costs one. The tests hold it
 * to ajv. A keyword that it does not know is an error when it is compiled, never ignored.
 */
export function compileSchema(schema: JsonObject): FaultFinder {
  const sources = (schema['$defs'] ?? {}) as Readonly<Record<string, JsonObject>>;
  const definitions = new Map<string, Check>();
  for (const [name, source] of Object.entries(sources)) definitions.set(name, compile(source, definitions));
  const root = compile(schema, definitions);
  return (value) => root(value, '');
}

/** Definitions may refer to those before them. */
type Definitions = ReadonlyMap<string, Check>;

function compile(schema: JsonObject, definitions: Definitions): Check {
  const { $ref, anyOf, type } = schema;
  if (typeof $ref === 'string') return definitionOf($ref.slice(REF_PREFIX.length), definitions);
  if (Array.isArray(anyOf)) return compileNullable(anyOf as readonly JsonObject[], definitions);
  if (Array.isArray(schema['enum'])) return oneOf(schema['enum'] as readonly Json[]);
  if (type === 'object') return compileObject(schema, definitions);
  if (type === 'array') return compileList(schema['items'] as JsonObject, definitions);
  return compileScalar(schema);
}

function compileScalar(schema: JsonObject): Check {
  const { type } = schema;
  if (type === 'string') return compileText(schema);
  if (type === 'integer') return compileInteger(schema['minimum'] as number | undefined);
  if (type === 'boolean') return ofTypes(['boolean']);
  if (Array.isArray(type)) return ofTypes(type as readonly string[]);
  throw new TypeError(`expected a schema of known keywords, got ${Object.keys(schema).join(', ')}`);
}

function definitionOf(name: string, definitions: Definitions): Check {
  const check = definitions.get(name);
  if (check === undefined) throw new TypeError(`expected a definition of ${name} before its use`);
  return check;
}

function ofTypes(types: readonly string[]): Check {
  return (value, path) => (types.includes(typeof value) ? undefined : `${path}: expected a ${types.join(' or ')}`);
}

function compileNullable([first, second]: readonly JsonObject[], definitions: Definitions): Check {
  if (first?.['type'] !== 'null' || second === undefined)
    throw new TypeError('expected anyOf to be null or one schema');
  const check = compile(second, definitions);
  return (value, path) => (value === null ? undefined : check(value, path));
}

function compileObject(schema: JsonObject, definitions: Definitions): Check {
  const properties = Object.entries(schema['properties'] as Readonly<Record<string, JsonObject>>);
  const checks = properties.map(([key, field]) => [key, compile(field, definitions)] as const);
  const known = new Set(checks.map(([key]) => key));
  return (value, path) => {
    if (!isJsonObject(value)) return `${path}: expected an object`;
    for (const [key, check] of checks) {
      if (!Object.hasOwn(value, key)) return `${path}: expected the field ${key}`;
      const fault = check(value[key] as Json, `${path}/${key}`);
      if (fault !== undefined) return fault;
    }
    const stray = Object.keys(value).find((key) => !known.has(key));
    return stray === undefined ? undefined : `${path}: expected no field ${JSON.stringify(stray)}`;
  };
}

function compileList(items: JsonObject, definitions: Definitions): Check {
  const check = compile(items, definitions);
  return (value, path) => {
    if (!Array.isArray(value)) return `${path}: expected a list`;
    for (const [index, item] of (value as readonly Json[]).entries()) {
      const fault = check(item, `${path}/${index}`);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

function compileText(schema: JsonObject): Check {
  const pattern = typeof schema['pattern'] === 'string' ? new RegExp(schema['pattern'], 'u') : undefined;
  const lengthMin = (schema['minLength'] ?? 0) as number;
  return (value, path) => {
    if (typeof value !== 'string' || value.length < lengthMin)
      return `${path}: expected ${lengthMin > 0 ? 'a text that is not empty' : 'a text'}`;
    return pattern && !pattern.test(value) ? `${path}: expected a text that matches ${pattern.source}` : undefined;
  };
}

function compileInteger(least: number | undefined): Check {
  const minimum = least ?? Number.NEGATIVE_INFINITY;
  return (value, path) => {
    const isFine = typeof value === 'number' && Number.isInteger(value) && value >= minimum;
    return isFine ? undefined : `${path}: expected an integer${least === undefined ? '' : ` of ${least} or more`}`;
  };
}

function oneOf(values: readonly Json[]): Check {
  return (value, path) => (values.includes(value) ? undefined : `${path}: expected one of ${JSON.stringify(values)}`);
}
