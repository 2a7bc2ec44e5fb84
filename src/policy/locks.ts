import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { didYouMean } from '../pipeline/suggest.ts';
import type { PolicyManifest } from './bundle.ts';
import type { DataFault } from './data-faults.ts';

/** The key of an operator's file that names what the files of repositories may not touch. */
export const LOCK = 'lock';

const LOCKS_MAX = 1000;

/** The paths that an operator's file locks, and what is wrong with them. */
export function readLocks(
  lock: Json | undefined,
  manifest: PolicyManifest,
): { readonly locked: readonly string[]; readonly faults: readonly DataFault[] } {
  if (lock === undefined) return { locked: [], faults: [] };
  if (!Array.isArray(lock) || lock.length > LOCKS_MAX)
    return {
      locked: [],
      faults: [{ path: [LOCK], message: 'lock must be a list of paths such as environments.prod' }],
    };
  const known = Object.keys(manifest.dataSchema['properties'] ?? {});
  const faults = lock.flatMap((path: Json, index): readonly DataFault[] => {
    const key = typeof path === 'string' ? (path.split('.', 1)[0] ?? '') : '';
    if (known.includes(key)) return [];
    return [
      {
        path: [LOCK, String(index)],
        message: `lock: ${JSON.stringify(path)} is no path of the data${didYouMean(key, known)}`,
      },
    ];
  });
  return { locked: lock.filter((path): path is string => typeof path === 'string'), faults };
}

/**
 * Where a patch touches what is locked: the path itself, something below it, or the whole in which it lies.
 *
 * Paths are compared as text, since names may hold dots; where that can be read in two ways, both are locked.
 */
export function touchedLocks(patch: JsonObject, locked: readonly string[]): readonly DataFault[] {
  return locked.flatMap((lock) =>
    touches(patch, [], lock).map((path) => ({
      path,
      message: `${path.join('.')} is locked by whoever runs this server (lock: ${lock}); leave it out`,
    })),
  );
}

function touches(value: Json, path: readonly string[], lock: string): readonly (readonly string[])[] {
  const here = path.join('.');
  if (here === lock || here.startsWith(`${lock}.`)) return [path];
  if (path.length > 0 && !lock.startsWith(`${here}.`)) return [];
  // Whatever is no mapping replaces all that lies at its place.
  if (!isJsonObject(value)) return [path];
  return Object.entries(value).flatMap(([key, child]) => touches(child, [...path, key], lock));
}
