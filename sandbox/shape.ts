import type { JsonSchema } from './schema-type.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Where a `$ref` leads. */
export type Resolve = (ref: string) => JsonSchema;

/**
 * `value` with the form its schema asks for: properties that are required and that the sandbox has no opinion on get a
 * neutral value, and properties that the schema forbids go. GitHub's resources have dozens of fields that nobody here reads.
 * What is present is never changed: if it is wrong, validation says so.
 */
export function shape(schema: JsonSchema, value: unknown, resolve: Resolve, name = '', depth = 0): unknown {
  const at = followed(schema, resolve);
  if (depth > 12) return value ?? null;
  const branches = at.oneOf ?? at.anyOf;
  if (branches !== undefined && at.properties === undefined) {
    const branch = chosen(branches, value, resolve);
    return branch === null ? (value ?? null) : shape(branch, value, resolve, name, depth);
  }
  if (at.allOf !== undefined) {
    if (value === undefined && at.nullable === true) return null;
    return at.allOf.reduce<unknown>(
      (whole, part) => shape(part, whole, resolve, name, depth),
      own(at, value, resolve, depth),
    );
  }
  if (value === undefined) return neutral(at, name, resolve, depth);
  if (Array.isArray(value)) {
    const { items } = at;
    return items === undefined ? value : value.map((item) => shape(items, item, resolve, name, depth + 1));
  }
  return own(at, value, resolve, depth);
}

function own(at: JsonSchema, value: unknown, resolve: Resolve, depth: number): unknown {
  if (value !== undefined && !isFields(value)) return value;
  if (value === undefined && at.properties === undefined) return value;
  const given = value ?? {};
  const { properties = {}, required = [] } = at;
  const isClosed = at.additionalProperties === false && at.patternProperties === undefined;
  const shaped: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(given)) {
    const property = properties[key];
    if (property === undefined && isClosed) continue;
    if (item === undefined) continue;
    shaped[key] = property === undefined ? item : shape(property, item, resolve, key, depth + 1);
  }
  for (const key of required) {
    if (shaped[key] === undefined) shaped[key] = shape(properties[key] ?? {}, undefined, resolve, key, depth + 1);
  }
  return shaped;
}

function neutral(at: JsonSchema, name: string, resolve: Resolve, depth: number): unknown {
  if (at.const !== undefined) return at.const;
  const types = [at.type].flat();
  if (at.nullable === true || types.includes('null') || at.enum?.includes(null) === true) return null;
  if (at.enum !== undefined) return at.enum[0];
  switch (types[0]) {
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return at.minimum ?? 0;
    case 'array':
      return [];
    case 'string':
      return neutralText(at.format, name);
    case undefined:
      return at.properties === undefined ? null : own(at, {}, resolve, depth);
    default:
      return own(at, {}, resolve, depth);
  }
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
  return fits.toSorted((a, b) => known(b, value) - known(a, value))[0] ?? null;
}

/** How many of the value's properties a branch knows. */
function known(branch: JsonSchema, value: unknown): number {
  return isFields(value) ? Object.keys(value).filter((key) => branch.properties?.[key] !== undefined).length : 0;
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
