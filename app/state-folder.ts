import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { MaestroError } from '../src/base/errors.ts';

const MODE = 0o700;
const OTHERS = 0o077;

/**
 * Makes the folder for the state, or takes back what others may do in it: it holds logs, results and the control socket.
 * State is never committed: the folder ignores itself.
 *
 * @throws MaestroError DISK_FULL, CONFIG_INVALID where it cannot be written or belongs to another user
 */
export async function prepareStateFolder(folder: string): Promise<void> {
  try {
    await mkdir(dirname(folder), { recursive: true });
    await mkdir(folder, { mode: MODE }).catch(unlessThere);
    await keepToOwner(folder);
    await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx' }).catch(unlessThere);
  } catch (error) {
    if (error instanceof MaestroError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC')
      throw new MaestroError('DISK_FULL', `no space left for the state in ${folder}`, { cause: error });
    throw new MaestroError(
      'CONFIG_INVALID',
      `expected a folder for the state that can be written, got ${folder} (${code})`,
      { cause: error },
    );
  }
}

async function keepToOwner(folder: string): Promise<void> {
  const { uid, mode } = await stat(folder);
  const user = process.getuid?.();
  // A system without users has no modes either.
  if (user === undefined) return;
  if (uid !== user)
    throw new MaestroError(
      'CONFIG_INVALID',
      `expected a folder for the state that belongs to you (user ${user}), got ${folder} of user ${uid}: name another one with MAESTRO_HOME`,
    );
  if ((mode & OTHERS) !== 0) await chmod(folder, mode & MODE);
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
