import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';

/**
 * Fields of a payload by path, `pull_request.head.sha`, undefined where it is not there or of another type. GitHub's own
 * examples do not all satisfy GitHub's own schema, so nothing may be relied upon.
 */
function valueAt(payload: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = payload;
  for (const key of path.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** Half a surrogate pair has no UTF-8 form and no digest: it becomes the replacement character. */
export function textAt(payload: JsonObject, path: string): string | undefined {
  const value = valueAt(payload, path);
  return typeof value === 'string' ? value.toWellFormed() : undefined;
}

/** A whole number from 0: ids and counts. */
export function numberAt(payload: JsonObject, path: string): number | undefined {
  const value = valueAt(payload, path);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function flagAt(payload: JsonObject, path: string): boolean {
  return valueAt(payload, path) === true;
}

export function objectAt(payload: JsonObject, path: string): JsonObject | undefined {
  const value = valueAt(payload, path);
  return isJsonObject(value) ? value : undefined;
}

export function objectsAt(payload: JsonObject, path: string): readonly JsonObject[] {
  const value = valueAt(payload, path);
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}
