import { posix } from 'node:path';
import picomatch from 'picomatch';
import { MaestroError } from '../../base/errors.ts';

export const IGNORE_BYTES_MAX = 262_144;
const PATTERNS_MAX = 1000;
const PATTERN_LENGTH_MAX = 1000;
/** Each costs a matcher another way to fail. */
const WILDCARDS_MAX = 20;

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

/** A matcher for one pattern, which begins at the root of the context; braces and the like stand for themselves. */
export function globMatcher(glob: string): (path: string) => boolean {
  if (glob.length > PATTERN_LENGTH_MAX || (glob.match(/[*?[]/g)?.length ?? 0) > WILDCARDS_MAX)
    throw new MaestroError('INPUT_INVALID', 'expected a shorter pattern, with fewer wildcards');
  const matches = picomatch(glob, { dot: true, nobrace: true, noextglob: true, nonegate: true, strictSlashes: true });
  // Its second argument asks for more than an answer, so that it must never get an index.
  return (path) => matches(path);
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
