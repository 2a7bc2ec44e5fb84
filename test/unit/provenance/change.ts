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
