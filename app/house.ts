import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder of this program. Absolute. */
export const HOUSE = resolve(import.meta.dirname, '..');

/** Version of this program. */
export function versionOfHouse(): string {
  const { version } = JSON.parse(readFileSync(join(HOUSE, 'package.json'), 'utf8')) as { version: string };
  return version;
}
