import type { Dirent } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, posix, relative, sep } from 'node:path';
import { MaestroError } from '../base/errors.ts';
import { expandBraces } from './braces.ts';
import { isInside } from './checkout-path.ts';
import { globMatcher } from './path-glob.ts';

/** Entries of the file tree that one search looks at. */
const ENTRIES_MAX = 500_000;
const GLOB_CHARS_MAX = 4096;
/** A name with one of these, or with a character that is escaped, is no plain name. */
const WILDCARD = /[*?[{\\]/;
/** What a shell would read as one of several alternatives, or as all but one: here it would silently mean something else. */
const ALTERNATION = /(?<!\\)[*?+@!]\(/;

export interface FoundFile {
  /** Relative to the root of the search, `/` between names. */
  readonly path: string;
  readonly absolutePath: string;
  readonly kind: 'file' | 'executable' | 'link';
}

export interface FoundFiles {
  /** Sorted by path. A link counts as the file it leads to, unless links are asked for. */
  readonly files: readonly FoundFile[];
  /** Links that lead out of the root: they are never followed. */
  readonly escaped: readonly string[];
}

/**
 * Files below `root` that a glob matches and no `!glob` excludes. A glob that names a folder means all that is in it.
 * Folders named `.git` and folders behind links are not searched.
 *
 * In a glob `*`, `?`, `[a-z]` and `[!a-z]` stand for what is in a name, `**` for any folders, `{a,b}` for one of several texts.
 * Globs are hostile: none takes longer to match than its length times that of the path.
 *
 * @throws MaestroError INPUT_INVALID for a glob that points out of the root, searches too much or has too many wildcards
 */
export async function findFiles(root: string, globs: readonly string[], areLinksKept = false): Promise<FoundFiles> {
  for (const glob of globs) assertPlain(glob.replace(/^!/, ''));
  const excluded = globs.filter((glob) => glob.startsWith('!')).map((glob) => matcher(glob.slice(1)));
  const found = new Map<string, FoundFile>();
  const escaped: string[] = [];
  const budget = { entries: ENTRIES_MAX };
  for (const glob of globs.filter((glob) => !glob.startsWith('!'))) {
    for await (const entry of walkGlob(root, glob, budget)) {
      if (found.has(entry.path) || excluded.some((matches) => matches(entry.path))) continue;
      const file = await classify(root, entry, areLinksKept);
      if (file === 'escaped') escaped.push(entry.path);
      else if (file) found.set(entry.path, file);
    }
  }
  const files = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, escaped };
}

function assertPlain(glob: string): void {
  if (glob.length > GLOB_CHARS_MAX)
    throw new MaestroError('INPUT_INVALID', `expected a glob of at most ${GLOB_CHARS_MAX} characters`);
  const [found] = ALTERNATION.exec(glob) ?? [];
  if (found !== undefined)
    throw new MaestroError('INPUT_INVALID', `expected a glob without ${found}…): name several globs, or write {a,b}`);
}

/** The part of a glob before its first wildcard: the folder that its matches have in common. */
export function staticBase(glob: string): string {
  const { base, isGlob } = plainPart(tidyGlob(glob));
  return isGlob ? base : posix.dirname(base) === '.' ? '' : posix.dirname(base);
}

/** The names of a glob that stand for themselves, up to the first that does not. */
function plainPart(glob: string): { readonly base: string; readonly isGlob: boolean } {
  const names = glob.split('/');
  const first = names.findIndex((name) => WILDCARD.test(name));
  return first < 0 ? { base: glob, isGlob: false } : { base: names.slice(0, first).join('/'), isGlob: true };
}

interface Entry {
  readonly path: string;
  readonly absolutePath: string;
}

async function* walkGlob(root: string, glob: string, budget: { entries: number }): AsyncGenerator<Entry> {
  const tidy = tidyGlob(glob);
  if (isAbsolute(tidy) || tidy.split('/').includes('..'))
    throw new MaestroError('INPUT_INVALID', `expected a glob below the working directory, got ${glob}`);
  const { base, isGlob } = plainPart(tidy);
  const start = join(root, base);
  const entry = await lstat(start).catch(() => undefined);
  if (!entry) return;
  if (!entry.isDirectory()) {
    // A folder on the way may be a link out of the root.
    if (!isGlob && isInside(root, await realpath(dirname(start)))) yield { path: base, absolutePath: start };
    return;
  }
  if (!isInside(root, await realpath(start))) return;
  const matches = isGlob ? matcher(tidy) : () => true;
  for await (const found of walk(root, start, budget)) {
    if (matches(found.path)) yield found;
  }
}

async function* walk(root: string, folder: string, budget: { entries: number }): AsyncGenerator<Entry> {
  const open = [folder];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      if (budget.entries-- <= 0)
        throw new MaestroError(
          'INPUT_INVALID',
          `expected a glob that searches at most ${ENTRIES_MAX} files: name a folder to start at`,
        );
      const absolutePath = join(at, entry.name);
      if (isSearched(entry)) open.push(absolutePath);
      else if (!entry.isDirectory()) yield { path: relative(root, absolutePath).split(sep).join('/'), absolutePath };
    }
  }
}

function isSearched(entry: Dirent): boolean {
  return entry.isDirectory() && entry.name !== '.git';
}

async function classify(root: string, entry: Entry, areLinksKept: boolean): Promise<FoundFile | 'escaped' | undefined> {
  const own = await lstat(entry.absolutePath);
  if (!own.isSymbolicLink())
    return own.isFile() ? { ...entry, kind: own.mode & 0o100 ? 'executable' : 'file' } : undefined;
  const target = await realpath(entry.absolutePath).catch(() => undefined);
  if (target === undefined) return undefined;
  if (!isInside(root, target)) return 'escaped';
  if (areLinksKept) return { ...entry, kind: 'link' };
  const real = await stat(target);
  return real.isFile()
    ? { path: entry.path, absolutePath: target, kind: real.mode & 0o100 ? 'executable' : 'file' }
    : undefined;
}

function matcher(glob: string): (path: string) => boolean {
  const tidy = tidyGlob(glob);
  // `[!a]` is what shells and people write; where patterns are Docker's it is `[^a]`.
  const each = expandBraces(tidy).map((one) => globMatcher(one.replace(/(\\.)|\[!/g, (_, escaped) => escaped ?? '[^')));
  return (path) => each.some((matches) => matches(path));
}

/** Without `./` in front and `/` behind. */
export function tidyGlob(glob: string): string {
  return glob.replace(/^(\.\/)+/, '').replace(/\/+$/, '') || '.';
}
