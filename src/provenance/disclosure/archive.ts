import { gunzipSync } from 'node:zlib';
import { extract, type Header, pack } from 'tar-stream';
import { MaestroError } from '../../base/errors.ts';
import { demand, VerificationError } from '../verification-error.ts';
import { compress } from './compress.ts';

/** Files by path below the pack's folder. */
export type PackFiles = ReadonlyMap<string, Uint8Array>;

/** Of a pack as it is sent; one that says more is refused unread. */
const PACK_BYTES_MAX = 64 * 1024 * 1024;
/** Of all that it holds: a small file can unpack to any size. */
export const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;
export const FILES_MAX = 50_000;
const PATH_CHARS_MAX = 512;

/** Plain names alone: nothing that a shell, a terminal, a browser or another file system reads in a way of its own. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._@+=-]{1,200}$/;

/**
 * A gzipped tar of the files, equal for equal files on every machine: paths in the order of their bytes, no times, no owners.
 * @throws MaestroError OUTPUT_TOO_LARGE for what nobody would read
 */
export async function writeArchive(folder: string, files: PackFiles): Promise<Uint8Array> {
  const sizeBytes = [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (sizeBytes > UNPACKED_BYTES_MAX)
    throw new MaestroError(
      'OUTPUT_TOO_LARGE',
      `expected a pack of at most ${UNPACKED_BYTES_MAX} bytes, its files have ${sizeBytes}`,
    );
  return compress(await tarOf(folder, files));
}

/**
 * The files of a pack, and the folder that all of them are in.
 *
 * What is read must be exactly what `writeArchive` would have made of it: no link, no path that leaves the folder, nothing twice,
 * nothing hidden between or behind the entries.
 * @throws VerificationError TOO_LARGE, ARCHIVE_MALFORMED, ARCHIVE_PATH_UNSAFE, ARCHIVE_ENTRY_UNSAFE, ARCHIVE_NAME_DUPLICATE
 */
export async function readArchive(bytes: Uint8Array): Promise<{ readonly folder: string; readonly files: PackFiles }> {
  demand(bytes.byteLength <= PACK_BYTES_MAX, 'TOO_LARGE', `expected a pack of at most ${PACK_BYTES_MAX} bytes`);
  const tar = unpack(bytes);
  const entries = await entriesOf(tar);
  const folder = folderOf(entries);
  const files = new Map([...entries].map(([path, content]) => [path.slice(folder.length + 1), content]));
  const isExact = tar.equals(await tarOf(folder, files));
  demand(isExact, 'ARCHIVE_MALFORMED', 'the archive holds more than its files, or holds them in another form');
  return { folder, files };
}

async function tarOf(folder: string, files: PackFiles): Promise<Buffer> {
  const archive = pack();
  const paths = [...files.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const path of paths) {
    const content = files.get(path) as Uint8Array;
    const head = { name: `${folder}/${path}`, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, type: 'file' } as const;
    archive.entry(head, Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  }
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** What the compressor writes before the content: no time, no name, nothing of the machine. */
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3]);

interface Unpacked {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function unpack(bytes: Uint8Array): Buffer {
  const isPlain = GZIP_HEAD.equals(bytes.subarray(0, GZIP_HEAD.byteLength));
  demand(isPlain, 'ARCHIVE_MALFORMED', 'expected a gzipped tar as `maestro disclose` writes it');
  try {
    const options = { maxOutputLength: UNPACKED_BYTES_MAX, info: true } as const;
    const { buffer, engine } = gunzipSync(bytes, options) as unknown as Unpacked;
    demand(engine.bytesWritten === bytes.byteLength, 'ARCHIVE_MALFORMED', 'something follows the end of the archive');
    return buffer;
  } catch (error) {
    if (error instanceof VerificationError) throw error;
    const isBomb = error instanceof RangeError || (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw isBomb
      ? new VerificationError('TOO_LARGE', `the archive unpacks to more than ${UNPACKED_BYTES_MAX} bytes`)
      : new VerificationError('ARCHIVE_MALFORMED', 'the archive is damaged: it cannot be unpacked', { cause: error });
  }
}

async function entriesOf(tar: Buffer): Promise<ReadonlyMap<string, Uint8Array>> {
  const archive = extract();
  archive.end(tar);
  const entries = new Map<string, Uint8Array>();
  try {
    for await (const entry of archive) {
      demand(entries.size < FILES_MAX, 'TOO_LARGE', `expected at most ${FILES_MAX} files`);
      checkEntry(entry.header, entries);
      const parts: Buffer[] = [];
      for await (const part of entry) parts.push(part as Buffer);
      entries.set(entry.header.name, Buffer.concat(parts));
    }
  } catch (error) {
    if (error instanceof VerificationError) throw error;
    throw new VerificationError('ARCHIVE_MALFORMED', 'the archive is damaged: its entries cannot be read', {
      cause: error,
    });
  }
  demand(entries.size > 0, 'ARCHIVE_MALFORMED', 'the archive is empty');
  return entries;
}

function checkEntry({ name, type }: Header, entries: ReadonlyMap<string, Uint8Array>): void {
  const shown = JSON.stringify(name.slice(0, PATH_CHARS_MAX));
  demand(type === 'file', 'ARCHIVE_ENTRY_UNSAFE', `expected nothing but files, got a ${type} at ${shown}`);
  demand(isPlainPath(name), 'ARCHIVE_PATH_UNSAFE', `expected plain relative paths, got ${shown}`);
  demand(!entries.has(name), 'ARCHIVE_NAME_DUPLICATE', `the archive holds ${shown} twice`);
}

/** Whether it stays below its folder, on every system. */
export function isPlainPath(path: string): boolean {
  return path.length <= PATH_CHARS_MAX && path.split('/').every((segment) => SEGMENT.test(segment));
}

function folderOf(entries: ReadonlyMap<string, unknown>): string {
  const folders = new Set([...entries.keys()].map((path) => path.slice(0, Math.max(0, path.indexOf('/')))));
  const [folder = '', ...others] = folders;
  demand(folder !== '' && others.length === 0, 'ARCHIVE_MALFORMED', 'expected everything to be in one folder');
  return folder;
}
