import { MaestroError } from '../../base/errors.ts';
import { globMatcher } from '../path-glob.ts';
import type { SecretPlace } from './secret-place.ts';

/** A glob and a kind. */
const LINE_LENGTH_MAX = 1100;

/** A place that is known to hold no secret. */
export interface IgnoreEntry {
  /** The line, as written. */
  readonly text: string;
  readonly covers: (place: SecretPlace) => boolean;
}

/**
 * One entry a line: a glob below the working directory, and behind a blank the kind that is meant there; without one, all
 * kinds. `#` begins a remark.
 *
 * @throws MaestroError INPUT_INVALID for a line that begins with `!`: what takes back elsewhere would here excuse all other files
 */
export function readIgnoreFile(text: string): readonly IgnoreEntry[] {
  return text
    .split(/\r?\n/)
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'))
    .map(({ line, number }) => entryOf(line, number));
}

function entryOf(line: string, number: number): IgnoreEntry {
  if (line.length > LINE_LENGTH_MAX)
    throw new MaestroError('INPUT_INVALID', `expected a shorter entry in line ${number} of the ignore file`);
  const [, glob = line, kind] = /^(.*\S)\s+(\S+)$/.exec(line) ?? [];
  const tidy = glob.replace(/^(\.\/)+/, '');
  if (tidy.startsWith('!'))
    throw new MaestroError(
      'INPUT_INVALID',
      `expected a glob of files that hold no secret, got one that begins with "!" in line ${number}: nothing is taken back here, name fewer files`,
    );
  const matches = globMatcher(tidy);
  return { text: line, covers: (place) => matches(place.path) && (kind === undefined || kind === place.kind) };
}

/** What is left, and the entries that cover nothing: one that is no longer needed would hide the next secret in its place. */
export function ignoreSecrets(
  places: readonly SecretPlace[],
  entries: readonly IgnoreEntry[],
): {
  readonly places: readonly SecretPlace[];
  readonly ignoredCount: number;
  readonly unused: readonly IgnoreEntry[];
} {
  const left = places.filter((place) => !entries.some((entry) => entry.covers(place)));
  const unused = entries.filter((entry) => !places.some((place) => entry.covers(place)));
  return { places: left, ignoredCount: places.length - left.length, unused };
}
