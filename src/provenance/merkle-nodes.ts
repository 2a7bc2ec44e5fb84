import { EMPTY_ROOT, nodeHash, splitOf } from './merkle.ts';

/**
 * A tree that grows, kept as the hashes of its complete subtrees: they never change, so that an append adds some and
 * touches none, and every root and proof is made of a few of them.
 */
export interface NodePlace {
  /** Of a subtree with 2^level leaves; 0 is a leaf. */
  readonly level: number;
  /** From the left, among those of its level. */
  readonly index: number;
}

export interface TreeNode extends NodePlace {
  readonly hash: Uint8Array;
}

/** Hashes of the nodes at these places, in their order. */
export type ReadNodes = (places: readonly NodePlace[]) => Promise<readonly Uint8Array[]>;

/**
 * What `leafHashes` add to a tree of `size` leaves: every subtree that becomes complete, in the order in which it does.
 * @param edge the nodes at `edgePlaces(size)`, in their order
 */
export function appendedNodes(
  size: number,
  edge: readonly Uint8Array[],
  leafHashes: readonly Uint8Array[],
): { readonly nodes: readonly TreeNode[]; readonly edge: readonly Uint8Array[] } {
  const nodes: TreeNode[] = [];
  const open = [...edge];
  leafHashes.forEach((leaf, i) => {
    let node: TreeNode = { level: 0, index: size + i, hash: leaf };
    nodes.push(node);
    // The right one of two: its left neighbour is complete, and the last of the edge.
    while (node.index % 2 === 1) {
      const left = open.pop() as Uint8Array;
      node = { level: node.level + 1, index: (node.index - 1) / 2, hash: nodeHash(left, node.hash) };
      nodes.push(node);
    }
    open.push(node.hash);
  });
  return { nodes, edge: open };
}

/** The largest complete subtrees that make up a tree of `size` leaves, from left to right. */
export function edgePlaces(size: number): readonly NodePlace[] {
  return placesOf({ from: 0, to: size });
}

/** Root of the tree whose edge that is. */
export function rootOfEdge(edge: readonly Uint8Array[]): Uint8Array {
  return fold(edge) ?? EMPTY_ROOT;
}

/** Siblings on the way from a leaf to the root of a tree of `size` leaves (RFC 6962 section 2.1.1). */
export function readInclusionProof(index: number, size: number, read: ReadNodes): Promise<readonly Uint8Array[]> {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size)
    throw new RangeError(`expected a leaf index below ${size}, got ${index}`);
  const path: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    path.push(index < middle ? { from: middle, to } : { from, to: middle });
    if (index < middle) to = middle;
    else from = middle;
  }
  return readRoots(path.reverse(), read);
}

/** What shows that the tree of `to` leaves begins with that of `from` (RFC 6962 section 2.1.2). */
export function readConsistencyProof(from: number, to: number, read: ReadNodes): Promise<readonly Uint8Array[]> {
  if (!Number.isSafeInteger(to) || !Number.isSafeInteger(from) || from < 1 || from > to)
    throw new RangeError(`expected a size from 1 to ${to}, got ${from}`);
  const path: LeafRange[] = [];
  let [start, end] = [0, to];
  while (from < end) {
    const middle = start + splitOf(end - start);
    path.push(from <= middle ? { from: middle, to: end } : { from: start, to: middle });
    if (from <= middle) end = middle;
    else start = middle;
  }
  if (start > 0) path.push({ from: start, to: end });
  return readRoots(path.reverse(), read);
}

/** Leaves `from` to `to` (exclusive) that stand below one node of a tree. */
interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/** One read for the whole proof. */
async function readRoots(ranges: readonly LeafRange[], read: ReadNodes): Promise<readonly Uint8Array[]> {
  const places = ranges.map(placesOf);
  const hashes = await read(places.flat());
  let at = 0;
  return places.map(({ length }) => fold(hashes.slice(at, (at += length))) as Uint8Array);
}

/** The complete subtrees that make up a range, from left to right; the range begins where a subtree of its size may. */
function placesOf({ from, to }: LeafRange): readonly NodePlace[] {
  const places: NodePlace[] = [];
  for (let at = from; at < to; ) {
    let [level, width] = [0, 1];
    while (at + width * 2 <= to) [level, width] = [level + 1, width * 2];
    places.push({ level, index: at / width });
    at += width;
  }
  return places;
}

/** The smallest subtrees stand deepest: hashed from the right. */
function fold(hashes: readonly Uint8Array[]): Uint8Array | undefined {
  let hash = hashes.at(-1);
  for (let i = hashes.length - 2; i >= 0; i--) hash = nodeHash(hashes[i] as Uint8Array, hash as Uint8Array);
  return hash;
}
