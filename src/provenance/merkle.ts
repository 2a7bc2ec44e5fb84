import { createHash } from 'node:crypto';

/**
 * Merkle trees as RFC 6962 section 2.1 hashes them: leaves and nodes carry different prefixes, so no node can be passed
 * off as a leaf.
 */
const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

export function leafHash(leaf: Uint8Array | string): Buffer {
  return createHash('sha256').update(LEAF_PREFIX).update(leaf).digest();
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(NODE_PREFIX).update(left).update(right).digest();
}

/** Root over leaf hashes; the root of no leaves is the hash of nothing. */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Buffer {
  if (leafHashes.length === 0) return createHash('sha256').digest();
  return rootOf(leafHashes, 0, leafHashes.length);
}

/** Siblings on the way from a leaf to the root, nearest first (RFC 6962 section 2.1.1). */
export function inclusionProof(leafHashes: readonly Uint8Array[], index: number): Buffer[] {
  if (!Number.isInteger(index) || index < 0 || index >= leafHashes.length) {
    throw new RangeError(`expected a leaf index below ${leafHashes.length}, got ${index}`);
  }
  const path: Buffer[] = [];
  let [from, to] = [0, leafHashes.length];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      path.push(rootOf(leafHashes, middle, to));
      to = middle;
    } else {
      path.push(rootOf(leafHashes, from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/** Root that a leaf and its proof lead to; undefined where the proof has the wrong length (RFC 9162 section 2.1.3.2). */
export function rootFromInclusionProof(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return undefined;
  let [position, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return undefined;
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash);
      while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 ? hash : undefined;
}

function rootOf(leafHashes: readonly Uint8Array[], from: number, to: number): Buffer {
  if (to - from === 1) return Buffer.from(leafHashes[from] as Uint8Array);
  const middle = from + splitOf(to - from);
  return nodeHash(rootOf(leafHashes, from, middle), rootOf(leafHashes, middle, to));
}

/** The largest power of two below `size` (2 or more). */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

// Not a shift: sizes of a register may pass 2^31.
function half(value: number): number {
  return Math.floor(value / 2);
}
