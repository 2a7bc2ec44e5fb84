import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
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
