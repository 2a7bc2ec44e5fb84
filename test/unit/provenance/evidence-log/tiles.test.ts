import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TileFile, Tiles, tilePath } from '../../../../src/provenance/evidence-log/tiles.ts';
import { leafHash, merkleRoot } from '../../../../src/provenance/merkle.ts';

const leavesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `leaf ${i}`);
const rootOf = (count: number): Buffer => merkleRoot(leavesOf(count).map((leaf) => leafHash(leaf)));

/** Exports to each of the sizes, one after the other, each from files alone. */
async function exported(sizes: readonly number[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const write = (added: readonly TileFile[]): void => {
    for (const { path, bytes } of added) {
      if (!Buffer.from(files.get(path) ?? bytes).equals(bytes)) throw new Error(`${path} would change`);
      files.set(path, bytes);
    }
  };
  let before = 0;
  for (const size of sizes) {
    const tiles = await Tiles.after(before, async (path) => files.get(path) as Uint8Array);
    if (!rootOf(before).equals(tiles.root())) throw new Error(`another root after ${before} leaves`);
    for (const leaf of leavesOf(size).slice(before)) write(tiles.take(leaf));
    if (!rootOf(size).equals(tiles.root())) throw new Error(`another root of ${size} leaves`);
    write(tiles.partial());
    before = size;
  }
  return files;
}

describe('a register as tiles', () => {
  it('has the root of all its leaves, and goes on from its files, at any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 4 }),
        async (sizes) => {
          const files = await exported(sizes.toSorted((a, b) => a - b));
          expect(files.size).toBeGreaterThan(1);
        },
      ),
      { numRuns: 25 },
    );
  });

  // The example of the specification, https://c2sp.org/tlog-tiles.
  it('of 70,000 leaves is laid out as specified', async () => {
    const files = await exported([70_000]);
    const widths = (level: string): number[] =>
      [...files].filter(([path]) => path.startsWith(`tile/${level}/`)).map(([, bytes]) => bytes.length / 32);
    expect(widths('0').filter((width) => width === 256)).toHaveLength(273);
    expect(files.get('tile/0/273.p/112')).toHaveLength(112 * 32);
    expect(widths('1').filter((width) => width === 256)).toHaveLength(1);
    expect(files.get('tile/1/001.p/17')).toHaveLength(17 * 32);
    expect(files.get('tile/2/000.p/1')).toHaveLength(32);
    expect(widths('2')).toHaveLength(1);
    expect([...files.keys()].filter((path) => path.startsWith('tile/entries/'))).toHaveLength(274);
    const hashes = leavesOf(256).map((leaf) => leafHash(leaf));
    expect(Buffer.concat(hashes).equals(files.get('tile/0/000') as Uint8Array)).toBe(true);
    expect(files.get('tile/1/000')?.subarray(0, 32)).toEqual(merkleRoot(hashes));
    expect(
      Buffer.from(files.get('tile/entries/000') as Uint8Array)
        .subarray(0, 10)
        .toString('latin1'),
    ).toBe('\0\x06leaf 0\0\x06');
  });

  it('of 256 leaves has a full tile, and one above it with one hash', async () => {
    const files = await exported([256]);
    expect([...files.keys()].sort()).toEqual(['tile/0/000', 'tile/1/000.p/1', 'tile/entries/000']);
  });

  it('names tiles as specified', () => {
    expect(tilePath(0, 1_234_067)).toBe('tile/0/x001/x234/067');
    expect(tilePath('entries', 5, 8)).toBe('tile/entries/005.p/8');
  });

  it('does not go on from files that are cut off', async () => {
    const files = await exported([300]);
    for (const path of ['tile/0/001.p/44', 'tile/entries/001.p/44']) {
      const cut = async (asked: string): Promise<Uint8Array> => {
        const bytes = files.get(asked) as Uint8Array;
        return asked === path ? bytes.subarray(0, -1) : bytes;
      };
      await expect(Tiles.after(300, cut)).rejects.toThrow(RangeError);
    }
  });
});
