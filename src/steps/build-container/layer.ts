import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Header, type Pack, pack } from 'tar-stream';
import { type Digest, DigestStream } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import { type Descriptor, MEDIA_TYPE } from '../oci/descriptor.ts';
import type { LayoutWriter } from '../oci/write-layout.ts';

/** What a layer holds, at a path without `/` in front. */
export type LayerEntry = (LayerFile | LayerFolder | LayerLink) & {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
};

interface LayerFile {
  readonly kind: 'file';
  readonly absolutePath: string;
  readonly sizeBytes: number;
  readonly mode: number;
}

interface LayerFolder {
  readonly kind: 'folder';
  readonly mode: number;
}

interface LayerLink {
  readonly kind: 'link';
  readonly leadsTo: string;
}

type TarHeader = Partial<Header> & Pick<Header, 'name'>;

const LINK_MODE = 0o777;
/** The byte of a gzip header that tells on which system it was made; 255 is "unknown". @source RFC 1952, 2.3.1 */
const GZIP_SYSTEM_AT = 9;
const GZIP_SYSTEM_UNKNOWN = 255;

export interface WrittenLayer {
  readonly descriptor: Descriptor;
  /** Digest of the layer unpacked: what the image's configuration names it by. */
  readonly diffId: Digest;
}

/**
 * Writes a layer as a tar archive whose bytes follow from its entries alone: owner, mode and time as they are given, no names
 * of users, and nothing of the machine in the gzip header.
 *
 * @param timeMs of every entry, since 1970
 * @throws MaestroError INPUT_INVALID where a file changes while it is read
 */
export async function writeLayer(
  layout: LayoutWriter,
  entries: readonly LayerEntry[],
  timeMs: number,
): Promise<WrittenLayer> {
  const archive = pack();
  const diff = new DigestStream();
  const packing = packAll(archive, entries, timeMs).catch((error: Error) => archive.destroy(error));
  const descriptor = await layout.addStream(
    MEDIA_TYPE.layer,
    gzipped(digested(archive as AsyncIterable<Uint8Array>, diff)),
  );
  await packing;
  return { descriptor, diffId: diff.digest() };
}

async function packAll(archive: Pack, entries: readonly LayerEntry[], timeMs: number): Promise<void> {
  for (const entry of entries) {
    const header = headerOf(entry, timeMs);
    if (entry.kind === 'file') await packFile(archive, header, entry);
    else await new Promise<void>((done, fail) => archive.entry(header, (error) => (error ? fail(error) : done())));
  }
  archive.finalize();
}

function headerOf(entry: LayerEntry, timeMs: number): TarHeader {
  const { path, uid, gid } = entry;
  const common = { uid, gid, uname: '', gname: '', mtime: new Date(timeMs) };
  if (entry.kind === 'folder') return { ...common, name: `${path}/`, type: 'directory', mode: entry.mode };
  if (entry.kind === 'link')
    return { ...common, name: path, type: 'symlink', mode: LINK_MODE, linkname: entry.leadsTo, size: 0 };
  return { ...common, name: path, type: 'file', mode: entry.mode, size: entry.sizeBytes };
}

/** Of the open file, and not of its name: another thing may stand there by now. */
async function packFile(
  archive: Pack,
  header: TarHeader,
  { absolutePath, sizeBytes, path }: LayerFile & { path: string },
): Promise<void> {
  await using file = await open(absolutePath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const stat = await file.stat();
  if (!stat.isFile() || stat.size !== sizeBytes)
    throw new MaestroError('INPUT_INVALID', `${path} changed while the image was built`);
  const content = file.createReadStream({ autoClose: false, ...(sizeBytes === 0 ? {} : { end: sizeBytes - 1 }) });
  await pipeline(content, archive.entry(header));
}

async function* digested(content: AsyncIterable<Uint8Array>, digest: DigestStream): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    digest.update(chunk);
    yield chunk;
  }
}

async function* gzipped(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gzip = createGzip({ level: 9 });
  const feeding = pipeline(content, gzip).catch((error: Error) => void gzip.destroy(error));
  let isFirst = true;
  for await (const chunk of gzip as AsyncIterable<Buffer>) {
    // The header is written in one piece, and comes first.
    if (isFirst && chunk.byteLength > GZIP_SYSTEM_AT) chunk[GZIP_SYSTEM_AT] = GZIP_SYSTEM_UNKNOWN;
    isFirst = false;
    yield chunk;
  }
  await feeding;
}
