import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';

/** What the data says of an environment, by name; undefined where it does not know it. */
function environmentIn(data: JsonObject, name: string): JsonObject | undefined {
  const all = objectAt(data, 'environments');
  const found = Object.hasOwn(all, name) ? all[name] : undefined;
  return isJsonObject(found) ? found : undefined;
}

/** Where something has to be deployed before it may go to the environment: those of the next lower order. */
export function upstreamOf(data: JsonObject, name: string): readonly string[] {
  const order = orderOf(environmentIn(data, name));
  if (order === undefined) return [];
  const lower = Object.entries(objectAt(data, 'environments')).flatMap(([other, entry]) => {
    const own = isJsonObject(entry) ? orderOf(entry) : undefined;
    return own !== undefined && own < order ? [{ name: other, order: own }] : [];
  });
  const next = Math.max(...lower.map((one) => one.order));
  return lower.filter((one) => one.order === next).map((one) => one.name);
}

/** Whether anything is asked of the checks of a commit before it goes there. */
export function wantsChecks(data: JsonObject, name: string): boolean {
  return environmentIn(data, name)?.['checks'] !== undefined;
}

/** Time zones in which freeze windows are written. */
export function timezonesIn(data: JsonObject): readonly string[] {
  const windows = objectAt(data, 'freeze')['windows'];
  const zones = listOf(windows).flatMap((window) => (isJsonObject(window) ? textOf(window['timezone']) : []));
  return [...new Set(zones)].sort();
}

function orderOf(entry: JsonObject | undefined): number | undefined {
  return typeof entry?.['order'] === 'number' ? entry['order'] : undefined;
}

function objectAt(data: JsonObject, key: string): JsonObject {
  const value = data[key];
  return isJsonObject(value) ? value : {};
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: Json | undefined): readonly string[] {
  return typeof value === 'string' ? [value] : [];
}
