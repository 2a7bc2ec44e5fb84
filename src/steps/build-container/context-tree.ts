import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import type { Ignores } from './ignore-file.ts';

const ENTRIES_MAX = 200_000;
const CONTEXT_BYTES_MAX = 17_179_869_184;
/** Tells a runtime to delete what earlier layers have: no file of a context may say that. */
const WHITEOUT = '.wh.';
const OWN_STATE = '.maestro/state';

export type ContextEntry = ContextFile | ContextFolder | ContextLink | ContextOddity;

interface Place {
  /** Relative to the context, `/` between names. */
  readonly path: string;
}

export interface ContextFile extends Place {
  readonly kind: 'file';
  readonly absolutePath: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

interface ContextFolder extends Place {
  readonly kind: 'folder';
}

interface ContextLink extends Place {
  readonly kind: 'link';
  /** As it is written; leads to a place within the context. */
  readonly leadsTo: string;
}

/** What no image can hold, and nobody may want in one: only copying it is refused. */
interface ContextOddity extends Place {
  readonly kind: 'odd';
  readonly reason: string;
}

/**
 * Everything in a context that its ignore file leaves, sorted by path.
 *
 * Links are looked at and never followed. What Maestro itself keeps in a checkout is no part of it: it differs from run to run.
 * @param left absolute paths that are never part of it, such as the image that is being built
 */
export async function readContext(
  root: string,
  ignores: Ignores,
  left: ReadonlySet<string>,
): Promise<readonly ContextEntry[]> {
  const found: ContextEntry[] = [];
  const open = [''];
  let sizeBytes = 0;
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const { name } of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, name);
      const absolutePath = join(root, path);
      if (path === OWN_STATE || left.has(absolutePath)) continue;
      const entry = await entryOf(path, absolutePath);
      // A pattern with `!` may take back something below a folder that is left out.
      if (entry.kind === 'folder') open.push(path);
      if (ignores(path)) continue;
      sizeBytes += entry.kind === 'file' ? entry.sizeBytes : 0;
      found.push(entry);
      if (found.length > ENTRIES_MAX || sizeBytes > CONTEXT_BYTES_MAX)
        throw new MaestroError(
          'INPUT_INVALID',
          `expected a context of at most ${ENTRIES_MAX} files and ${CONTEXT_BYTES_MAX} bytes: ignore the rest`,
        );
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function entryOf(path: string, absolutePath: string): Promise<ContextEntry> {
  const odd = (reason: string): ContextOddity => ({ kind: 'odd', path, reason: `${reason}: ignore it` });
  const stat = await lstat(absolutePath);
  if (posix.basename(path).startsWith(WHITEOUT)) return odd(`${path} would delete something in an image`);
  if (stat.isDirectory()) return { kind: 'folder', path };
  if (stat.isFile())
    return { kind: 'file', path, absolutePath, sizeBytes: stat.size, isExecutable: (stat.mode & 0o111) !== 0 };
  if (!stat.isSymbolicLink()) return odd(`${path} of the context is neither file nor folder`);
  const leadsTo = await readlink(absolutePath);
  const place = posix.join(posix.dirname(path), leadsTo);
  const isOutside = posix.isAbsolute(leadsTo) || place === '..' || place.startsWith('../');
  return isOutside ? odd(`the link ${path} leads out of the context`) : { kind: 'link', path, leadsTo };
}
