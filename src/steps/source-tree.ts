import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { MaestroError } from '../base/errors.ts';
import type { SourceTree } from '../pipeline/task-manifest.ts';
import { isInside } from './checkout-path.ts';

/** A task is code that its author checked in, or a package: nothing that needs more. */
const FILE_BYTES_MAX = 64 * 1_048_576;

/**
 * The files of a checkout, for tasks and packages: regular files whose real path is inside of it.
 *
 * `read` throws TASK_INVALID for a file that leads outside, is larger than 64 MiB, or cannot be read.
 */
export function openSourceTree(root: string): SourceTree {
  const realRoot = realpathSync(root);
  return { read: (path) => readInside(realRoot, path) };
}

function readInside(root: string, path: string): Uint8Array | undefined {
  const real = realPath(join(root, path));
  if (real === undefined) return undefined;
  if (!isInside(root, real))
    throw new MaestroError('TASK_INVALID', `expected ${path} inside the repository, but it leads outside of it`);
  let file: number | undefined;
  try {
    // A pipe would otherwise wait here for somebody who writes.
    file = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(file);
    if (!stat.isFile()) return undefined;
    if (stat.size > FILE_BYTES_MAX)
      throw new MaestroError('TASK_INVALID', `${path} has ${stat.size} bytes, expected at most ${FILE_BYTES_MAX}`);
    return readFileSync(file);
  } catch (error) {
    throw error instanceof MaestroError ? error : unreadable(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): MaestroError {
  const { code } = cause as NodeJS.ErrnoException;
  return new MaestroError('TASK_INVALID', `expected to read ${path}, got ${code ?? 'an error'}`, { cause });
}
