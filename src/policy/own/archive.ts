import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { MaestroError } from '../../base/errors.ts';

/** Content of each file by its name, without the slash that `opa build` puts first. */
export type Archive = ReadonlyMap<string, Uint8Array>;

export const ARCHIVE_BYTES_MAX = 8 * 1024 * 1024;
const UNPACKED_BYTES_MAX = 32 * 1024 * 1024;
const FILES_MAX = 256;
const BLOCK_BYTES = 512;

/**
 * The files of a `.tar.gz` as `opa build` writes it: regular files, each once, and nothing else. What an archive may hold
 * beside them (links, folders, entries that rename other entries) is refused, so that there is one way to read it.
 * @throws MaestroError POLICY_INVALID
 */
export async function readArchive(packed: Uint8Array): Promise<Archive> {
  if (packed.byteLength > ARCHIVE_BYTES_MAX)
    throw refusal(`it has ${packed.byteLength} bytes, expected at most ${ARCHIVE_BYTES_MAX}`);
  const tar = await unpack(packed);
  const files = new Map<string, Uint8Array>();
  for (let at = 0; !isEnd(tar, at); ) {
    const { name, sizeBytes } = readHeader(tar.subarray(at, at + BLOCK_BYTES));
    const start = at + BLOCK_BYTES;
    if (start + sizeBytes > tar.byteLength) throw refusal('it ends in the middle of a file');
    if (files.has(name)) throw refusal(`it holds ${name} twice`);
    if (files.size === FILES_MAX) throw refusal(`it holds more than ${FILES_MAX} files`);
    files.set(name, tar.subarray(start, start + sizeBytes));
    at = start + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}

async function unpack(packed: Uint8Array): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(packed, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch (cause) {
    const isTooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const why = isTooLarge ? `it unpacks to more than ${UNPACKED_BYTES_MAX} bytes` : 'it is not whole, or not gzip';
    throw refusal(why, cause);
  }
}

/** Two empty blocks end an archive. Nothing may follow them: another program might read on. */
function isEnd(tar: Uint8Array, at: number): boolean {
  if (at + BLOCK_BYTES > tar.byteLength) throw refusal('it ends in the middle of a file');
  if (tar[at] !== 0) return false;
  if (tar.subarray(at).some((byte) => byte !== 0)) throw refusal('something follows the end of the archive');
  return true;
}

/** POSIX.1-1988 (ustar), as Go's writer makes it for short ASCII names. */
function readHeader(header: Uint8Array): { readonly name: string; readonly sizeBytes: number } {
  const text = (from: number, length: number): string =>
    new TextDecoder('latin1').decode(header.subarray(from, from + length)).replace(/\0.*$/s, '');
  const octal = (from: number, length: number): number => {
    const digits = /^ *([0-7]{1,11}) *$/.exec(text(from, length))?.[1];
    if (digits === undefined) throw refusal('a header is damaged');
    return Number.parseInt(digits, 8);
  };
  if (octal(148, 8) !== checksumOf(header)) throw refusal('a header is damaged');
  const folder = text(345, 155);
  const name = nameOf(folder === '' ? text(0, 100) : `${folder}/${text(0, 100)}`);
  const type = text(156, 1);
  if (text(257, 5) !== 'ustar' || (type !== '0' && type !== ''))
    throw refusal(
      `${name} is no regular file, or its name is not short ASCII (entry of type ${JSON.stringify(type)}): build the bundle with \`opa build\``,
    );
  return { name, sizeBytes: octal(124, 12) };
}

/** Of the header's bytes, its own field taken as spaces. */
function checksumOf(header: Uint8Array): number {
  return header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}

function nameOf(path: string): string {
  const name = path.replace(/^\//, '');
  const isPlain = /^[\x21-\x7e ]+$/.test(name) && !name.includes('\\');
  if (isPlain && name.split('/').every((part) => !['', '.', '..'].includes(part))) return name;
  throw refusal(`the file name ${JSON.stringify(name.slice(0, 100))} is not one of \`opa build\``);
}

function refusal(why: string, cause?: unknown): MaestroError {
  return new MaestroError('POLICY_INVALID', `expected a bundle of \`opa build\`: ${why}`, { cause });
}
