import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MaestroError } from '../../base/errors.ts';

const FILE_BYTES_MAX = 1_048_576;
const OTHERS = 0o077;

/**
 * The bytes of a regular file of at most 1 MiB.
 * @param isPrivate refuses a file that others than its owner may read
 * @throws CONFIG_INVALID
 */
export async function readBounded(path: string, isPrivate: boolean): Promise<Uint8Array> {
  await using file = await openFile(path);
  const stat = await file.stat();
  if (!stat.isFile()) throw invalid(path, 'a regular file');
  if (stat.size > FILE_BYTES_MAX) throw invalid(path, `a file of at most ${FILE_BYTES_MAX} bytes`);
  if (isPrivate && (stat.mode & OTHERS) !== 0) throw invalid(path, 'mode 0600: others may have copied it');
  return await file.readFile();
}

/** A pipe in the place of the file would be waited for. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw invalid(path, `a readable file, got ${(error as NodeJS.ErrnoException).code ?? 'an error'}`);
  }
}

function invalid(path: string, expected: string): MaestroError {
  return new MaestroError('CONFIG_INVALID', `${path}: expected ${expected}`);
}
