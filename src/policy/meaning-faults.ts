import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { momentOf, wallClock } from '../base/wall-clock.ts';
import { didYouMean } from '../pipeline/suggest.ts';
import type { DataReference, PolicyManifest } from './bundle.ts';
import { type DataFault, owner } from './data-faults.ts';
import { matchesOf } from './data-path.ts';

/**
 * Where a file says what no schema can see to be wrong: names that the data does not know, windows that never are. Only of
 * the file's own values, since defaults may name what the file takes away.
 */
export function faultsOfMeaning(patch: JsonObject, data: JsonObject, manifest: PolicyManifest): readonly DataFault[] {
  const dangling = manifest.references.flatMap((reference) => danglingNames(patch, data, reference));
  const impossible = matchesOf(patch, 'freeze.windows.*').flatMap(({ path, value }) => windowFaults(path, value));
  return [...dangling, ...impossible].map(({ path, message }) => ({
    path,
    message: `${path.join('.')} ${message}${owner(path, manifest)}`,
  }));
}

function danglingNames(patch: JsonObject, data: JsonObject, reference: DataReference): readonly DataFault[] {
  const table = data[reference.in];
  if (!isJsonObject(table)) return [];
  return matchesOf(patch, reference.at).flatMap(({ path, value }) => {
    const name = nameIn(path, value, reference);
    if (name === undefined || Object.hasOwn(table, name)) return [];
    return { path, message: `names what ${reference.in} lacks: ${name}${didYouMean(name, Object.keys(table))}` };
  });
}

function nameIn(path: readonly string[], value: Json, { isKey, after = '' }: DataReference): string | undefined {
  const text = isKey === true && value !== null ? path.at(-1) : value;
  return typeof text === 'string' && text.startsWith(after) ? text.slice(after.length) : undefined;
}

function windowFaults(path: readonly string[], window: Json): readonly DataFault[] {
  if (!isJsonObject(window)) return [];
  const { timezone, from, to } = window;
  const isDay = (text: Json | undefined): boolean => typeof text !== 'string' || momentOf(`${text}[UTC]`) !== undefined;
  const wrong: readonly (readonly [key: string, isWrong: boolean, message: string])[] = [
    [
      'timezone',
      typeof timezone === 'string' && wallClock(0, timezone) === undefined,
      'is no time zone of the IANA database',
    ],
    ['from', !isDay(from), 'is no day of the calendar'],
    ['to', !isDay(to), 'is no day of the calendar'],
    ['to', typeof from === 'string' && typeof to === 'string' && from >= to, 'must be later than from'],
  ];
  return wrong.flatMap(([key, isWrong, message]) => (isWrong ? [{ path: [...path, key], message }] : []));
}
