import { gzipSync } from 'fflate';
import { type Header, pack } from 'tar-stream';

export type TarEntry = readonly [Partial<Header> & { readonly name: string }, string | Uint8Array];

/** What the entries of a pack are, beside their names. */
const SAFE: Partial<Header> = { mode: 0o644, mtime: new Date(0), uid: 0, gid: 0, type: 'file' };

export function plainFile(name: string, content: string | Uint8Array): TarEntry {
  return [{ ...SAFE, name }, content];
}

/** A tar of any entries, in their order. */
export async function tarBytes(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const [head, content] of entries) archive.entry({ ...SAFE, ...head }, Buffer.from(content as Uint8Array));
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** As a pack is compressed. */
export function packed(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 9, mtime: 0 });
}
