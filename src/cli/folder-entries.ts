import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MaestroError } from '../base/errors.ts';

/** Below a folder, with all that is nested: a release has 500 files, a disclosure pack 50,000 at most. */
const ENTRIES_MAX = 100_000;

/** What lies somewhere below a folder. */
export interface FolderEntry {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  /** A link is neither a file nor a folder here, wherever it leads. */
  readonly isFile: boolean;
  readonly isFolder: boolean;
}

/** Of a folder alone, in the order of their names. */
export function entriesIn(folder: string): readonly FolderEntry[] {
  return [...entriesBelow(folder, () => false)];
}

/**
 * Of a folder and of those in it. No link is followed.
 * @param isEntered whether what is in a folder below is asked for as well, instead of the folder
 * @throws FILE_TOO_LARGE
 */
export function* entriesBelow(
  folder: string,
  isEntered: (path: string) => boolean = () => true,
): Generator<FolderEntry> {
  const ahead: FolderEntry[] = [{ path: '', isFile: false, isFolder: true }];
  let count = 0;
  for (let entry = ahead.pop(); entry !== undefined; entry = ahead.pop()) {
    const { path } = entry;
    if (!entry.isFolder || (path !== '' && !isEntered(path))) {
      yield entry;
      continue;
    }
    const names = readdirSync(join(folder, path), { withFileTypes: true }).toSorted((a, b) =>
      a.name < b.name ? 1 : -1,
    );
    count += names.length;
    if (count > ENTRIES_MAX)
      throw new MaestroError('FILE_TOO_LARGE', `expected at most ${ENTRIES_MAX} files below ${folder}`);
    for (const one of names)
      ahead.push({
        path: path === '' ? one.name : `${path}/${one.name}`,
        isFile: one.isFile(),
        isFolder: one.isDirectory(),
      });
  }
}
