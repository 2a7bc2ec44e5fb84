import { posix } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import { globMatcher } from '../path-glob.ts';

export const IGNORE_BYTES_MAX = 262_144;
const PATTERNS_MAX = 1000;

/** Whether a path of the context is left out. Paths are relative, `/` between names. */
export type Ignores = (path: string) => boolean;

/** The names under which such a file is looked for, the first that exists counts. */
export function ignoreFileNames(containerfile: string): readonly string[] {
  return [`${containerfile}.containerignore`, `${containerfile}.dockerignore`, '.containerignore', '.dockerignore'];
}

/**
 * Reads a `.dockerignore`: the last pattern that matches a path, or a folder that it is in, decides; `!` takes back.
 *
 * @throws MaestroError INPUT_INVALID
 * @source https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export function parseIgnoreFile(text: string): Ignores {
  const patterns = text
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#') && line.trim() !== '')
    .map(patternOf)
    .filter((pattern) => pattern !== undefined);
  if (patterns.length > PATTERNS_MAX)
    throw new MaestroError('INPUT_INVALID', `expected at most ${PATTERNS_MAX} patterns in the ignore file`);
  return (path) => {
    const places = withFolders(path);
    return patterns.findLast(({ matches }) => places.some(matches))?.isIgnored ?? false;
  };
}

interface Pattern {
  readonly matches: (path: string) => boolean;
  readonly isIgnored: boolean;
}

/** Undefined for the root itself, which Docker does not leave out either. */
function patternOf(line: string): Pattern | undefined {
  const trimmed = line.trim();
  const isTakenBack = trimmed.startsWith('!');
  const tidy = posix
    .normalize(`/${(isTakenBack ? trimmed.slice(1) : trimmed).trim()}`)
    .slice(1)
    .replace(/\/$/, '');
  return tidy === '' ? undefined : { matches: globMatcher(tidy), isIgnored: !isTakenBack };
}

function withFolders(path: string): readonly string[] {
  const names = path.split('/');
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}
