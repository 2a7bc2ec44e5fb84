import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MaestroError, messageOf } from '../../base/errors.ts';
import { ARCHIVE_BYTES_MAX } from './archive.ts';

export interface BundleFile {
  readonly name: string;
  readonly path: string;
  /** Changes with the file. */
  readonly version: string;
  /** Why it is not even read. */
  readonly problem?: MaestroError;
}

interface BundleList {
  /** Number of the file system that the folder is on. */
  readonly device: number;
  readonly files: readonly BundleFile[];
}

/** Each has a thread, and memory of its own. */
const BUNDLES_MAX = 8;
const SUFFIX = '.tar.gz';
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * The bundles in a folder; other files, and those that begin with a dot, are none.
 * @param device what the folder was on before
 * @throws MaestroError CONFIG_INVALID
 */
export async function listBundles(folder: string, device: number | undefined): Promise<BundleList> {
  try {
    const { dev } = await stat(folder);
    if (device !== undefined && dev !== device) throw new RangeError(`${folder} is on another file system than before`);
    const names = (await readdir(folder)).filter((file) => file.endsWith(SUFFIX) && !file.startsWith('.')).sort();
    if (names.length > BUNDLES_MAX) throw new RangeError(`${folder} holds more than ${BUNDLES_MAX} bundles`);
    const files = await Promise.all(names.map((file) => bundleFile(join(folder, file), file.slice(0, -SUFFIX.length))));
    return { device: dev, files: files.filter((file) => file !== undefined) };
  } catch (cause) {
    throw new MaestroError('CONFIG_INVALID', `cannot read the bundles of own rules: ${messageOf(cause)}`, { cause });
  }
}

/** Undefined where it is gone by now. */
async function bundleFile(path: string, name: string): Promise<BundleFile | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found) return undefined;
  const { ino, size, mtimeMs, ctimeMs } = found;
  const file = { name, path, version: `${ino} ${size} ${mtimeMs} ${ctimeMs}` };
  if (!NAME.test(name))
    return { ...file, problem: refusal(path, 'its name may have small letters, digits and hyphens') };
  if (!found.isFile()) return { ...file, problem: refusal(path, 'it is no regular file') };
  if (size > ARCHIVE_BYTES_MAX)
    return { ...file, problem: refusal(path, `it has more than ${ARCHIVE_BYTES_MAX} bytes`) };
  return file;
}

function refusal(path: string, why: string): MaestroError {
  return new MaestroError('POLICY_INVALID', `${path} is refused: ${why}`);
}
