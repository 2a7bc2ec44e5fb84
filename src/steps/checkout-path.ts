import { mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { MaestroError } from '../base/errors.ts';
import { readRegularFile } from './output-file.ts';

/** Whether `path` is `root` or below it. Both are absolute and free of links. */
export function isInside(root: string, path: string): boolean {
  const below = relative(root, path);
  return below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below);
}

/** Text of a file that an input names, relative to `root`. Throws INPUT_INVALID where it is not there or leads out of `root`. */
export async function readTextInside(root: string, path: string, bytesMax: number): Promise<string> {
  const real = await realpath(resolve(root, path)).catch(() => undefined);
  if (real === undefined || !isInside(root, real))
    throw new MaestroError('INPUT_INVALID', `expected a file in the working directory, got ${path}`);
  const text = await readRegularFile(real, bytesMax);
  if (text === undefined)
    throw new MaestroError('INPUT_INVALID', `expected a file in the working directory, got ${path}`);
  return text;
}

/** The real path of a folder that an input names. Throws INPUT_INVALID where it is not there or leads out of `root`. */
export async function folderInside(root: string, path: string): Promise<string> {
  const real = await realpath(resolve(root, path)).catch(() => undefined);
  if (real === undefined || !isInside(root, real) || !(await stat(real)).isDirectory())
    throw new MaestroError('INPUT_INVALID', `expected a folder in the working directory, got ${path}`);
  return real;
}

/**
 * Makes a folder below `root`, which is a real path, and answers its own real path; undefined where it would lie outside, by
 * its path or through a link, or is no folder.
 */
export async function makeFolderInside(root: string, folder: string): Promise<string | undefined> {
  const target = resolve(root, folder);
  if (!isInside(root, target)) return undefined;
  let at = root;
  for (const name of relative(root, target).split(sep)) {
    at = join(at, name);
    // One by one: a link on the way would have the rest made elsewhere.
    await mkdir(at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const real = await realpath(at).catch(() => undefined);
    if (real === undefined || !isInside(root, real) || !(await stat(real)).isDirectory()) return undefined;
  }
  return realpath(at);
}

/**
 * Writes a file that an input names, and the folders on its way. A link in its place is replaced, never followed.
 * @throws MaestroError INPUT_INVALID where it would lie outside of `root`
 */
export async function writeInside(root: string, path: string, content: string): Promise<void> {
  const target = resolve(root, path);
  const folder = target === root ? undefined : await makeFolderInside(root, dirname(target));
  if (folder === undefined)
    throw new MaestroError('INPUT_INVALID', `expected the path of a file in the working directory, got ${path}`);
  const partial = join(folder, `.maestro-${process.pid}-${basename(target)}`);
  try {
    await rm(partial, { force: true });
    await writeFile(partial, content, { flag: 'wx' });
    await rename(partial, join(folder, basename(target)));
  } finally {
    await rm(partial, { force: true });
  }
}
