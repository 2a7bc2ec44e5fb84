import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import { writeDurably } from '../write-durably.ts';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS = 0o077;
const KEY_BYTES_MAX = 16_384;

/**
 * The private key in a PEM file (PKCS#8), which is made on first use with mode 0600 in a directory of mode 0700.
 *
 * Processes that start at the same time agree on one key. Throws KEY_INVALID for a file that others may read, or that is no
 * key.
 */
export async function openKeyFile(path: string, generate: () => KeyObject): Promise<KeyObject> {
  const pem = (await readKey(path)) ?? (await makeKey(path, generate));
  return parseKey(pem, path);
}

/** The key in the file; undefined where there is none yet. Throws KEY_INVALID as `openKeyFile` does. */
export async function readKeyFile(path: string): Promise<KeyObject | undefined> {
  const pem = await readKey(path);
  return pem === undefined ? undefined : parseKey(pem, path);
}

/** Writes a key beside the one at `path`, to be moved over it. Answers where it is. */
export async function draftKeyFile(path: string, key: KeyObject): Promise<string> {
  const draft = draftOf(path);
  await writeDurably(draft, pemOf(key), FILE_MODE);
  return draft;
}

async function makeKey(path: string, generate: () => KeyObject): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  await publish(path, pemOf(generate()));
  // Whoever published first has won: everybody signs with what the path holds now.
  const pem = await readKey(path);
  if (pem === undefined)
    throw new MaestroError('KEY_INVALID', `expected the key that was just made at ${path}, but it is gone`);
  return pem;
}

/** Whole or not at all: a link fails where the name is taken, while a rename would replace a key already in use. */
async function publish(path: string, pem: string): Promise<void> {
  const draft = draftOf(path);
  try {
    await writeDurably(draft, pem, FILE_MODE);
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  await syncDirectory(dirname(path));
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function draftOf(path: string): string {
  return `${path}.${randomUUID()}.tmp`;
}

// The file's name lives in its directory: without this a power cut could lose a key that has already signed.
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}

async function readKey(path: string): Promise<string | undefined> {
  const opened = await openKey(path);
  if (opened === undefined) return undefined;
  await using file = opened;
  await checkFile(file, path);
  return await file.readFile('utf8');
}

async function openKey(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new MaestroError('KEY_INVALID', `expected a readable key file at ${path}, got ${code}`);
  }
}

/** Checks the open file, not the name: the name could point elsewhere a moment later. */
async function checkFile(file: FileHandle, path: string): Promise<void> {
  const stat = await file.stat();
  if (!stat.isFile()) throw new MaestroError('KEY_INVALID', `expected a regular file at ${path}`);
  if ((stat.mode & OTHERS) !== 0) {
    const octal = (stat.mode & 0o777).toString(8).padStart(4, '0');
    throw new MaestroError(
      'KEY_INVALID',
      `expected ${path} to have mode 0600, got ${octal}: others may have copied the key`,
    );
  }
  if (stat.size > KEY_BYTES_MAX) {
    throw new MaestroError('KEY_INVALID', `expected a PEM key at ${path}, got ${stat.size} bytes`);
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause is dropped on purpose: nothing of a private key may reach an error.
    throw new MaestroError('KEY_INVALID', `expected an unencrypted PEM private key (PKCS#8) at ${path}`);
  }
}
