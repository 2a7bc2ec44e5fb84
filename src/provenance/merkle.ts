import { hash } from 'node:crypto';

/**
 * Merkle trees as RFC 6962 section 2.1 hashes them: leaves and nodes carry different prefixes, so no node can be passed
 * off as a leaf.
 */
const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);
export const HASH_BYTES = 32;

export function leafHash(leaf: Uint8Array | string): Buffer {
  const bytes = typeof leaf === 'string' ? Buffer.from(leaf) : leaf;
  return hash('sha256', Buffer.concat([LEAF_PREFIX, bytes]), 'buffer');
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  // One call for all bytes takes half the time of three.
  return hash('sha256', Buffer.concat([NODE_PREFIX, left, right]), 'buffer');
}

/** Root over leaf hashes; the root of no leaves is the hash of nothing. */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Buffer {
  if (leafHashes.length === 0) return EMPTY_ROOT;
  return rootOf(leafHashes, 0, leafHashes.length);
}

/** Root of no leaves. */
export const EMPTY_ROOT: Buffer = hash('sha256', '', 'buffer');

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
  if (![leaf, ...proof].every(isHash)) return undefined;
  let reached = leaf;
  const isEnd = climb(index, size - 1, proof, (sibling, isLeft) => {
    reached = isLeft ? nodeHash(sibling, reached) : nodeHash(reached, sibling);
  });
  return isEnd ? reached : undefined;
}

/**
 * The way from the node at `position` to the root of a tree whose last node at that level is `last` (RFC 9162 section 2.1.3.2):
 * tells of each sibling on which side it stands. False where the siblings do not end at the root.
 */
function climb(
  from: number,
  end: number,
  siblings: readonly Uint8Array[],
  meet: (sibling: Uint8Array, isLeft: boolean) => void,
): boolean {
  let [position, last] = [from, end];
  for (const sibling of siblings) {
    if (last === 0) return false;
    const isLeft = position % 2 === 1 || position === last;
    meet(sibling, isLeft);
    // Without a sibling, a node is its own parent.
    if (isLeft) while (position % 2 === 0 && position !== 0) [position, last] = [half(position), half(last)];
    [position, last] = [half(position), half(last)];
  }
  return last === 0;
}

/** What shows that the tree of all leaves begins with that of the first `size` of them (RFC 6962 section 2.1.2). */
export function consistencyProof(leafHashes: readonly Uint8Array[], size: number): Buffer[] {
  if (!Number.isInteger(size) || size < 1 || size > leafHashes.length) {
    throw new RangeError(`expected a size from 1 to ${leafHashes.length}, got ${size}`);
  }
  const path: Buffer[] = [];
  let [from, to, isOldRoot] = [0, leafHashes.length, true];
  while (size < to) {
    const middle = from + splitOf(to - from);
    if (size <= middle) {
      path.push(rootOf(leafHashes, middle, to));
      to = middle;
    } else {
      path.push(rootOf(leafHashes, from, middle));
      from = middle;
      isOldRoot = false;
    }
  }
  // Whoever holds the old root need not be told it.
  if (!isOldRoot) path.push(rootOf(leafHashes, from, to));
  return path.reverse();
}

/** One tree, as a signed statement about it has it. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * Whether the newer tree begins with all leaves of the older one, in their order (RFC 9162 section 2.1.4.2). Nothing can be
 * shown of an empty tree, so that is false: every tree begins with it, whatever its root is said to be.
 */
export function isConsistent(older: TreeHead, newer: TreeHead, proof: readonly Uint8Array[]): boolean {
  if (!Number.isSafeInteger(older.size) || !Number.isSafeInteger(newer.size)) return false;
  if (older.size < 1 || older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && equal(older.root, newer.root);
  return [older.root, newer.root, ...proof].every(isHash) && leadsToBoth(older, newer, proof);
}

/** The proof begins at the largest subtree that both trees end in, and leads to either root. */
function leadsToBoth(older: TreeHead, newer: TreeHead, proof: readonly Uint8Array[]): boolean {
  let [position, last] = [older.size - 1, newer.size - 1];
  while (position % 2 === 1) [position, last] = [half(position), half(last)];
  // Where the older tree is complete, its root is a node of the newer one and begins the path.
  const [first, ...siblings] = position === 0 ? [older.root, ...proof] : proof;
  if (first === undefined) return false;
  let [oldHash, newHash] = [first, first];
  const isEnd = climb(position, last, siblings, (sibling, isLeft) => {
    if (isLeft) oldHash = nodeHash(sibling, oldHash);
    newHash = isLeft ? nodeHash(sibling, newHash) : nodeHash(newHash, sibling);
  });
  return isEnd && equal(oldHash, older.root) && equal(newHash, newer.root);
}

/** Nothing shorter or longer is hashed: where hashes end is known by their length alone. */
function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES;
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function rootOf(leafHashes: readonly Uint8Array[], from: number, to: number): Buffer {
  if (to - from === 1) return Buffer.from(leafHashes[from] as Uint8Array);
  const middle = from + splitOf(to - from);
  return nodeHash(rootOf(leafHashes, from, middle), rootOf(leafHashes, middle, to));
}

/** The largest power of two below `size` (2 or more). */
export function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

// Not a shift: sizes of a register may pass 2^31.
function half(value: number): number {
  return Math.floor(value / 2);
}
