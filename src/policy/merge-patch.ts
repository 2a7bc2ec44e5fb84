import { isJsonObject, type Json } from '../base/json.ts';

/**
 * RFC 7396: objects merge key by key, `null` removes, everything else replaces.
 *
 * Keys are defined, not assigned: a key `__proto__` stays a key, for the schema to refuse.
 */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map<string, Json>(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key) ?? null, value));
  }
  return Object.fromEntries(merged);
}
