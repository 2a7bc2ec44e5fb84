import { EMPTY_ROOT, HASH_BYTES, leafHash, merkleRoot, nodeHash } from '../merkle.ts';

/** Hashes of a full tile. */
export const TILE_WIDTH = 256;

/** A file of a register that is laid out as static files. It never changes. */
export interface TileFile {
  /** `/` separates. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Reads a file that a former export wrote. */
export type ReadTile = (path: string) => Promise<Uint8Array>;

/**
 * A register as static files, tile by tile: what was exported before is gone on from, and no file ever has
 * another content.
 * @source https://c2sp.org/tlog-tiles
 */
export class Tiles {
  /** By level: the hashes of the tile that is not full. */
  readonly #levels: Uint8Array[][] = [];
  #entries: Uint8Array[] = [];
  #size = 0;

  /** Goes on where an export of `size` leaves ended. @throws RangeError where its files do not fit together */
  static async after(size: number, read: ReadTile): Promise<Tiles> {
    const tiles = new Tiles();
    tiles.#size = size;
    for (let [level, count] = [0, size]; count > 0; [level, count] = [level + 1, Math.floor(count / TILE_WIDTH)]) {
      const width = count % TILE_WIDTH;
      const bytes = width === 0 ? Buffer.alloc(0) : await read(tilePath(level, Math.floor(count / TILE_WIDTH), width));
      if (bytes.length !== width * HASH_BYTES)
        throw new RangeError(`a tile of ${width} hashes has ${bytes.length} bytes`);
      tiles.#levels[level] = Array.from({ length: width }, (_, i) =>
        bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
      );
    }
    const width = size % TILE_WIDTH;
    if (width > 0) tiles.#entries = entriesOf(await read(tilePath('entries', Math.floor(size / TILE_WIDTH), width)));
    if (tiles.#entries.length !== width) throw new RangeError('a bundle of entries does not fit its tile');
    return tiles;
  }

  get size(): number {
    return this.#size;
  }

  /** Root of the tree so far. */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    // Lower levels stand to the right.
    for (const hashes of this.#levels) {
      for (const hash of completeSubtrees(hashes).reverse()) root = root === undefined ? hash : nodeHash(hash, root);
    }
    return root ?? EMPTY_ROOT;
  }

  /** Appends a leaf; answers the tiles that became full. */
  take(leaf: string): readonly TileFile[] {
    const full: TileFile[] = [];
    this.#entries.push(Buffer.from(leaf));
    this.#size += 1;
    let hash: Uint8Array = leafHash(leaf);
    for (let level = 0, count = this.#size; ; level++, count /= TILE_WIDTH) {
      const hashes = (this.#levels[level] ??= []);
      hashes.push(hash);
      if (hashes.length < TILE_WIDTH) break;
      full.push({ path: tilePath(level, count / TILE_WIDTH - 1), bytes: Buffer.concat(hashes) });
      hash = merkleRoot(hashes);
      this.#levels[level] = [];
    }
    if (this.#entries.length === TILE_WIDTH) {
      full.push({ path: tilePath('entries', this.#size / TILE_WIDTH - 1), bytes: bundleOf(this.#entries) });
      this.#entries = [];
    }
    return full;
  }

  /** The tiles that are not full: whoever reads the tree of this size needs them. */
  partial(): readonly TileFile[] {
    const files: TileFile[] = [];
    this.#levels.forEach((hashes, level) => {
      if (hashes.length === 0) return;
      const index = Math.floor(this.#size / TILE_WIDTH ** (level + 1));
      files.push({ path: tilePath(level, index, hashes.length), bytes: Buffer.concat(hashes) });
    });
    if (this.#entries.length === 0) return files;
    const path = tilePath('entries', Math.floor(this.#size / TILE_WIDTH), this.#entries.length);
    return [...files, { path, bytes: bundleOf(this.#entries) }];
  }
}

/** `tile/0/x001/x234/067.p/8`: without a width, the full tile. */
export function tilePath(level: number | 'entries', index: number, width?: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const parts = padded.match(/.{3}/g) ?? [];
  const name = parts.map((part, i) => (i === parts.length - 1 ? part : `x${part}`)).join('/');
  return `tile/${level}/${name}${width === undefined ? '' : `.p/${width}`}`;
}

/** Roots of the largest complete subtrees over hashes of one level, from left to right. */
function completeSubtrees(hashes: readonly Uint8Array[]): Uint8Array[] {
  const roots: Uint8Array[] = [];
  for (let at = 0, width = TILE_WIDTH; width >= 1; width /= 2) {
    if (at + width > hashes.length) continue;
    roots.push(merkleRoot(hashes.slice(at, at + width)));
    at += width;
  }
  return roots;
}

/** Each entry after its length, two bytes. */
function bundleOf(entries: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(entry.length);
      return [length, entry];
    }),
  );
}

/** Leaves of a bundle, as they are hashed. @throws RangeError where it is cut off */
export function entriesOf(bundle: Uint8Array): Buffer[] {
  const bytes = Buffer.from(bundle);
  const entries: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + (at + 2 <= bytes.length ? bytes.readUInt16BE(at) : 0);
    if (end > bytes.length || end === at) throw new RangeError('a bundle of entries is cut off');
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return entries;
}
