import { gunzipSync, gzipSync } from 'node:zlib';

export interface TarEntry {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** `0` a file, `1` and `2` links, `5` a folder, `x` a header of what follows. */
  readonly type?: string;
  readonly prefix?: string;
}

/** A .tar.gz as no `opa build` makes it. */
export function packTar(entries: readonly TarEntry[], end: Uint8Array = new Uint8Array(1024)): Buffer {
  return gzipSync(Buffer.concat([...entries.flatMap(blocksOf), end]));
}

/** The entries of a bundle, to be packed again otherwise. */
export function entriesOf(packed: Uint8Array): TarEntry[] {
  const tar = gunzipSync(packed);
  const entries: TarEntry[] = [];
  for (let at = 0; tar[at] !== 0; ) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    entries.push({ name, content: tar.subarray(at + 512, at + 512 + size) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return entries;
}

function blocksOf({ name, content, type = '0', prefix = '' }: TarEntry): Buffer[] {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, 'latin1');
  header.write('0000644\0', 100);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(prefix, 345, 155, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
}
