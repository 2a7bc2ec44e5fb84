import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest folder upwards that holds `.maestro`; the search ends at the repository's root. Else the folder itself. */
export function findProjectRoot(folder: string): string {
  for (let current = folder; ; current = dirname(current)) {
    if (existsSync(join(current, '.maestro')) || existsSync(join(current, 'maestro.pipeline.yaml'))) return current;
    if (existsSync(join(current, '.git')) || dirname(current) === current) return folder;
  }
}
