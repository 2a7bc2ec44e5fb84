import picomatch from 'picomatch';
import type { SecretPlace } from './secret-place.ts';

/** A place that is known to hold no secret. */
export interface IgnoreEntry {
  /** The line, as written. */
  readonly text: string;
  readonly covers: (place: SecretPlace) => boolean;
}

/**
 * One entry a line: a glob below the working directory, and behind a blank the kind that is meant there; without one, all
 * kinds. `#` begins a remark.
 */
export function readIgnoreFile(text: string): readonly IgnoreEntry[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, glob = line, kind] = /^(.*\S)\s+(\S+)$/.exec(line) ?? [];
      const matches = picomatch(glob.replace(/^(\.\/)+/, ''), { dot: true });
      return { text: line, covers: (place) => matches(place.path) && (kind === undefined || kind === place.kind) };
    });
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
