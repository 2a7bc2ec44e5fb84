import type { JsonSchema } from './schema-type.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Schemas that contain themselves end here. */
const DEPTH_MAX = 12;

/** Where a `$ref` leads. */
export type Resolve = (ref: string) => JsonSchema;

/**
 * `value` with the form its schema asks for: properties that are required and that the sandbox has no opinion on get a
 * neutral value, and properties that the schema forbids go. GitHub's resources have dozens of fields that nobody here reads.
 * What is present is never changed: if it is wrong, validation says so.
 */
export function shape(schema: JsonSchema, value: unknown, resolve: Resolve, name = '', depth = 0): unknown {
  const at = followed(schema, resolve);
  if (depth > DEPTH_MAX) return value;
  const branches = branchesOf(at);
  if (branches !== undefined) {
    const branch = chosen(branches, value, resolve);
    return branch === null ? (value ?? null) : shape(branch, value, resolve, name, depth);
  }
  if (at.allOf !== undefined) return shapedByAll(at, at.allOf, value, resolve, name, depth);
  if (value === undefined) return neutral(at, name, resolve, depth);
  if (Array.isArray(value)) return shapedItems(at, value, resolve, name, depth);
  return own(at, value, resolve, depth);
}

function branchesOf({ properties, oneOf, anyOf }: JsonSchema): readonly JsonSchema[] | undefined {
  return properties === undefined ? (oneOf ?? anyOf) : undefined;
}

function shapedByAll(
  at: JsonSchema,
  parts: readonly JsonSchema[],
  value: unknown,
  resolve: Resolve,
  name: string,
  depth: number,
): unknown {
  if (value === undefined && at.nullable === true) return null;
  const start = own(at, value, resolve, depth);
  return parts.reduce<unknown>((whole, part) => shape(part, whole, resolve, name, depth), start);
}

function shapedItems(
  { items }: JsonSchema,
  value: readonly unknown[],
  resolve: Resolve,
  name: string,
  depth: number,
): unknown {
  return items === undefined ? value : value.map((item) => shape(items, item, resolve, name, depth + 1));
}

function own(at: JsonSchema, value: unknown, resolve: Resolve, depth: number): unknown {
  if (value !== undefined && !isFields(value)) return value;
  if (value === undefined && at.properties === undefined) return value;
  const { properties = {}, required = [] } = at;
  const shaped = Object.fromEntries(
    known(at, value ?? {}).map(([key, item]) => {
      const property = properties[key];
      return [key, property === undefined ? item : shape(property, item, resolve, key, depth + 1)];
    }),
  );
  for (const key of required) {
    if (shaped[key] === undefined) shaped[key] = shape(properties[key] ?? {}, undefined, resolve, key, depth + 1);
  }
  return shaped;
}

/** What of a value the schema lets stand. */
function known(
  { properties = {}, additionalProperties, patternProperties }: JsonSchema,
  value: Fields,
): readonly (readonly [string, unknown])[] {
  const isClosed = additionalProperties === false && patternProperties === undefined;
  return Object.entries(value).filter(
    ([key, item]) => item !== undefined && !(isClosed && properties[key] === undefined),
  );
}

function neutral(at: JsonSchema, name: string, resolve: Resolve, depth: number): unknown {
  if (at.const !== undefined) return at.const;
  if (isNullable(at)) return null;
  if (at.enum !== undefined) return at.enum[0];
  const type = [at.type].flat()[0];
  if (type === 'string') return neutralText(at.format, name);
  const minimum = at.minimum ?? 0;
  const plain: Readonly<Record<string, unknown>> = { boolean: false, integer: minimum, number: minimum, array: [] };
  if (type !== undefined && type in plain) return plain[type];
  const isAnything = type === undefined && at.properties === undefined;
  return isAnything ? null : own({ properties: {}, ...at }, {}, resolve, depth);
}

function isNullable(at: JsonSchema): boolean {
  return at.nullable === true || [at.type].flat().includes('null') || at.enum?.includes(null) === true;
}

function neutralText(format: string | undefined, name: string): string {
  if (format === 'date-time' || name.endsWith('_at')) return '2026-01-01T00:00:00Z';
  if (format === 'date') return '2026-01-01';
  if (format === 'email') return 'nobody@users.noreply.github.test';
  if (format === 'uri' || format === 'uri-template' || name.endsWith('url')) return 'https://github.test/';
  return '';
}

/** The branch that `value` was meant for: by type, then by the constants and enumerations that it would have to match. */
function chosen(branches: readonly JsonSchema[], value: unknown, resolve: Resolve): JsonSchema | null {
  const all = branches.map((branch) => followed(branch, resolve));
  const isNull = (branch: JsonSchema): boolean => branch.type === 'null' || branch.nullable === true;
  if (value === null || value === undefined) return all.find(isNull) ?? (value === null ? null : (all[0] ?? null));
  const isArray = Array.isArray(value);
  const fits = all.filter((branch) => {
    if (isArray) return branch.type === 'array';
    if (isFields(value)) {
      return (
        (branch.type === 'object' || branch.properties !== undefined || branch.allOf !== undefined) &&
        agrees(branch, value)
      );
    }
    return [branch.type].flat().includes(typeof value === 'number' ? 'integer' : typeof value);
  });
  return (
    fits.toSorted((a, b) => familiarity(b, value) - familiarity(a, value) || lacks(a, value) - lacks(b, value))[0] ??
    null
  );
}

/** How many of the value's properties a branch knows. */
function familiarity(branch: JsonSchema, value: unknown): number {
  return isFields(value) ? Object.keys(value).filter((key) => branch.properties?.[key] !== undefined).length : 0;
}

/** How many properties a branch asks for that the value has not. */
function lacks({ required = [] }: JsonSchema, value: unknown): number {
  return isFields(value) ? required.filter((key) => value[key] === undefined).length : 0;
}

function agrees(branch: JsonSchema, value: Fields): boolean {
  return Object.entries(branch.properties ?? {}).every(([key, property]) => {
    const item = value[key];
    if (item === undefined) return true;
    if (property.const !== undefined) return property.const === item;
    return property.enum === undefined || property.enum.includes(item);
  });
}

function followed(schema: JsonSchema, resolve: Resolve): JsonSchema {
  let at = schema;
  while (at.$ref !== undefined) at = resolve(at.$ref);
  return at;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
