import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import { CHECKPOINTS, missingTile, otherContent, sizesOf, TILE_BYTES_MAX, type TileStore } from './tile-store.ts';

/** Nobody writes to it again, whoever may read it. */
const READ_ONLY = 0o444;

/** Files in a folder: each comes whole, is read-only from then on, and takes no name that is taken. */
export function openTileFolder(folder: string): TileStore {
  const at = (path: string): string => join(folder, ...path.split('/'));
  return {
    name: folder,
    sizes: async () => sizesOf(await readdir(at(CHECKPOINTS)).catch(nothing)),
    read: async (path) => (await readIfThere(at(path))) ?? missingTile(at(path)),
    add: async (path, bytes) => {
      const there = (await readIfThere(at(path))) ?? (await publishNew(at(path), bytes));
      if (there !== undefined && !there.equals(bytes)) throw otherContent(at(path));
    },
    replace: (path, bytes) => publish(at(path), bytes, (draft) => rename(draft, at(path))),
  };
}

/** Answers what another exporter wrote meanwhile: a link fails where the name is taken, while a rename would replace what is there. */
async function publishNew(path: string, bytes: Uint8Array): Promise<Buffer | undefined> {
  let isTaken = false;
  await publish(path, bytes, (draft) =>
    link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      isTaken = true;
    }),
  );
  return isTaken ? readIfThere(path) : undefined;
}

async function publish(path: string, bytes: Uint8Array, name: (draft: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // A name of its own: exporters on two machines may have the same process id.
  const draft = `${path}.${randomUUID()}.part`;
  try {
    await writeDurably(draft, bytes);
    await name(draft);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
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
  try {
    const { size } = await stat(path);
    if (size <= TILE_BYTES_MAX) return await readFile(path);
    throw new MaestroError('FILE_TOO_LARGE', `${path} has ${size} bytes, expected at most ${TILE_BYTES_MAX}`);
  } catch (error) {
    if (isMaestroError(error)) throw error;
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new MaestroError('FILE_NOT_READABLE', `cannot read ${path} (${code})`, { cause: error });
  }
}

function nothing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw new MaestroError('FILE_NOT_READABLE', `cannot list checkpoints (${error.code ?? 'unknown'})`, { cause: error });
}
