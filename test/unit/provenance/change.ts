import type { Json } from '../../../src/base/json.ts';

/** A copy in which the place that `way` leads to holds `value`, is gone (undefined), or has a stray neighbour. */
export function change(root: Json, way: readonly number[], value: Json | undefined): Json {
  const copy = structuredClone(root);
  let at = copy as Record<string, Json>;
  for (const [depth, turn] of way.entries()) {
    const keys = Object.keys(at);
    const key = keys[turn % (keys.length + 1)] ?? (Array.isArray(at) ? String(keys.length) : 'stray');
    const next = at[key];
    if (depth < way.length - 1 && next !== null && typeof next === 'object' && Object.keys(next).length > 0) {
      at = next as Record<string, Json>;
      continue;
    }
    if (value === undefined && !Array.isArray(at)) delete at[key];
    else at[key] = value ?? null;
    break;
  }
  return copy;
}

/** A copy for every single value of a document, in which just that is another one of its kind. */
export function* flips(root: Json, way: readonly string[] = []): Generator<readonly [string, Json]> {
  const value = way.reduce<Json>((at, key) => (at as Record<string, Json>)[key] as Json, root);
  if (value !== null && typeof value === 'object' && Object.keys(value).length > 0) {
    for (const key of Object.keys(value)) yield* flips(root, [...way, key]);
    return;
  }
  const copy = structuredClone(root);
  const last = way.at(-1) ?? '';
  const holder = way.slice(0, -1).reduce<Json>((at, key) => (at as Record<string, Json>)[key] as Json, copy);
  (holder as Record<string, Json>)[last] = flipped(value);
  yield [way.join('.'), copy];
}

const HEX = 16;

function flipped(value: Json): Json {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  if (typeof value !== 'string') return value === null ? 'x' : [value];
  const digit = Number.parseInt(value.slice(-1), HEX);
  return Number.isNaN(digit) ? `${value}x` : value.slice(0, -1) + ((digit + 1) % HEX).toString(HEX);
}
