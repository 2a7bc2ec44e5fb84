import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { MaestroError } from '../../base/errors.ts';
import { checkExposure, checkStreamExposure, isFindable, isSignedFile } from '../../provenance/check-exposure.ts';
import { type PackFiles, readArchive } from '../../provenance/disclosure/archive.ts';
import { BUNDLE_BYTES_MAX } from '../../provenance/open-envelope.ts';
import type { Arguments } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { entriesBelow } from '../folder-entries.ts';
import { isArchive, readReceiptFile } from '../receipt-files.ts';
import { readSecrets } from '../run-request.ts';

/** Read at once. */
const PART_BYTES = 1024 ** 2;
/** What a compressed file may unpack to: a small one can be made to unpack to any size. */
const UNZIPPED_BYTES_MAX = 16 * 1024 ** 3;

/**
 * That no value of a secret which the reader names is in what was verified: whoever hands it on looks first.
 * @throws VerificationError SECRET_EXPOSED; SECRET_NOT_FOUND for one that the environment lacks, SECRET_UNUSABLE for one too short
 */
export function checkSecrets(files: PackFiles, args: Arguments, context: CommandContext): void {
  checkExposure(files, valuesOf(args, context));
}

/**
 * The same of every file below a folder, whatever it is, and of what is in those that gzip packed. No link is followed.
 * @throws VerificationError SECRET_EXPOSED, and as `checkSecrets`; FILE_TOO_LARGE for a file that unpacks to more than 16 GiB
 */
export async function checkSecretsBelow(folder: string, args: Arguments, context: CommandContext): Promise<void> {
  const values = valuesOf(args, context);
  for (const { path, isFile } of entriesBelow(folder)) if (isFile) await search(join(folder, path), path, values);
}

function valuesOf(args: Arguments, context: CommandContext): readonly string[] {
  const secrets = readSecrets(args, context);
  const short = Object.entries(secrets).find(([, value]) => !isFindable(value));
  if (short)
    throw new MaestroError('SECRET_UNUSABLE', `${short[0]} is too short to be looked for: it stands everywhere`);
  return Object.values(secrets);
}

async function search(file: string, path: string, values: readonly string[]): Promise<void> {
  if (isSignedFile(path) && statSync(file).size <= BUNDLE_BYTES_MAX)
    return checkExposure(new Map([[path, readFileSync(file)]]), values);
  await checkStreamExposure(path, createReadStream(file, { highWaterMark: PART_BYTES }), values);
  if (!isArchive(headOf(file))) return;
  const pack = await packIn(file);
  if (pack) checkExposure(new Map([...pack].map(([inside, content]) => [`${path}/${inside}`, content])), values);
  else await checkStreamExposure(path, unzipped(file, path), values);
}

function headOf(file: string): Uint8Array {
  const head = new Uint8Array(2);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, head);
    return head;
  } finally {
    closeSync(descriptor);
  }
}

/** The statements in a disclosure pack are looked at decoded. Undefined where it is another archive. */
async function packIn(file: string): Promise<PackFiles | undefined> {
  try {
    return (await readArchive(readReceiptFile(file))).files;
  } catch {
    return undefined;
  }
}

/** As much of it as can be unpacked: what is damaged behind that was looked at as it is. */
async function* unzipped(file: string, path: string): AsyncGenerator<Uint8Array> {
  let room = UNZIPPED_BYTES_MAX;
  const source = createReadStream(file, { highWaterMark: PART_BYTES });
  const parts = source.pipe(createGunzip());
  source.on('error', (error) => parts.destroy(error));
  try {
    for await (const part of parts as AsyncIterable<Uint8Array>) {
      room -= part.byteLength;
      if (room < 0)
        throw new MaestroError('FILE_TOO_LARGE', `${path} unpacks to more than ${UNZIPPED_BYTES_MAX} bytes`);
      yield part;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
  } finally {
    source.destroy();
  }
}

function isDamage(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'Z_DATA_ERROR' || code === 'Z_BUF_ERROR';
}
