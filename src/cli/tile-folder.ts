import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MaestroError } from '../base/errors.ts';
import { CHECKPOINTS, sizesOf, type TileStore } from './tile-store.ts';

/** Nobody writes to it again, whoever may read it. */
const READ_ONLY = 0o444;

/** Files in a folder: each comes whole, is read-only from then on, and takes no name that is taken. */
export function openTileFolder(folder: string): TileStore {
  const at = (path: string): string => join(folder, ...path.split('/'));
  return {
    name: folder,
    sizes: async () => sizesOf(await readdir(at(CHECKPOINTS)).catch(nothing)),
    read: async (path) => (await readIfThere(at(path))) ?? missing(at(path)),
    add: async (path, bytes) => {
      const there = await readIfThere(at(path));
      if (there === undefined) await publish(at(path), bytes, (draft) => link(draft, at(path)));
      else if (!there.equals(bytes)) throw otherContent(at(path));
    },
    replace: (path, bytes) => publish(at(path), bytes, (draft) => rename(draft, at(path))),
  };
}

/** A link fails where the name was taken meanwhile, while a rename would replace what is there. */
async function publish(path: string, bytes: Uint8Array, name: (draft: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.part`;
  try {
    await rm(draft, { force: true });
    await writeDurably(draft, bytes);
    await name(draft);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw otherContent(path);
    if (code === 'ENOSPC') throw new MaestroError('DISK_FULL', `no space left for ${path}`, { cause: error });
    throw new MaestroError('CONFLICT', `cannot write ${path} (${code ?? 'unknown'})`, { cause: error });
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, 'wx', READ_ONLY);
  await file.writeFile(bytes);
  await file.sync();
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new MaestroError('FILE_NOT_READABLE', `cannot read ${path} (${error.code ?? 'unknown'})`, { cause: error });
  });
}

function nothing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw new MaestroError('FILE_NOT_READABLE', `cannot list checkpoints (${error.code ?? 'unknown'})`, { cause: error });
}

function missing(path: string): never {
  throw new MaestroError('CONFLICT', `expected ${path}, which a former export wrote: choose another place`);
}

function otherContent(path: string): MaestroError {
  return new MaestroError('CONFLICT', `${path} is there and holds something else: it is of another register`);
}
