import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consistencyProof, inclusionProof, leafHash, merkleRoot } from '../../../src/provenance/merkle.ts';
import {
  appendedNodes,
  edgePlaces,
  type NodePlace,
  type ReadNodes,
  readConsistencyProof,
  readInclusionProof,
  rootOfEdge,
  type TreeNode,
} from '../../../src/provenance/merkle-nodes.ts';

/** A tree that was appended to in batches, and nothing else than its stored nodes. */
class Nodes {
  readonly #hashes = new Map<string, Uint8Array>();
  edge: readonly Uint8Array[] = [];
  size = 0;
  added: readonly TreeNode[] = [];

  append(leaves: readonly Uint8Array[]): void {
    const { nodes, edge } = appendedNodes(this.size, this.edge, leaves);
    for (const node of nodes) {
      if (this.#hashes.has(key(node))) throw new Error(`a second node at ${key(node)}`);
      this.#hashes.set(key(node), node.hash);
    }
    this.added = nodes;
    this.edge = edge;
    this.size += leaves.length;
  }

  readonly read: ReadNodes = async (places) =>
    places.map((place) => {
      const hash = this.#hashes.get(key(place));
      if (!hash) throw new Error(`no node at ${key(place)}`);
      return hash;
    });
}

const key = ({ level, index }: NodePlace): string => `${level}/${index}`;
const leavesOf = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => leafHash(`leaf ${index}`));

describe('the stored nodes of a tree', () => {
  const batches = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });

  it('have the root that all leaves have, however they came', () => {
    fc.assert(
      fc.property(batches, (sizes) => {
        const nodes = new Nodes();
        for (const size of sizes) {
          nodes.append(leavesOf(nodes.size + size).slice(nodes.size));
          expect(rootOfEdge(nodes.edge)).toEqual(merkleRoot(leavesOf(nodes.size)));
          expect(nodes.edge).toHaveLength(edgePlaces(nodes.size).length);
        }
      }),
    );
  });

  it('give the edge back, from which an append goes on', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (sizes) => {
        const nodes = new Nodes();
        for (const size of sizes) {
          nodes.edge = await nodes.read(edgePlaces(nodes.size));
          nodes.append(leavesOf(nodes.size + size).slice(nodes.size));
        }
        expect(rootOfEdge(nodes.edge)).toEqual(merkleRoot(leavesOf(nodes.size)));
      }),
    );
  });

  it('make every proof that all leaves make', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.nat(), fc.nat(), async (count, one, other) => {
        const nodes = new Nodes();
        nodes.append(leavesOf(count));
        // Also of a tree that has grown since.
        const size = 1 + (one % count);
        const leaves = leavesOf(size);
        const index = other % size;
        expect(await readInclusionProof(index, size, nodes.read)).toEqual(inclusionProof(leaves, index));
        expect(await readConsistencyProof(index + 1, size, nodes.read)).toEqual(consistencyProof(leaves, index + 1));
      }),
    );
  });

  it('are never more than two for a leaf, and for one append as many as the tree is deep', () => {
    const nodes = new Nodes();
    nodes.append(leavesOf(1023));
    nodes.append([leafHash('the last')]);
    expect(nodes.added.map(({ level }) => level)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(rootOfEdge([])).toEqual(merkleRoot([]));
  });

  it('are found beyond 2^31 leaves', () => {
    expect(edgePlaces(2 ** 40 + 1)).toEqual([
      { level: 40, index: 0 },
      { level: 0, index: 2 ** 40 },
    ]);
  });

  it('are not asked for what no tree has', () => {
    const { read } = new Nodes();
    for (const [index, size] of [
      [-1, 3],
      [3, 3],
      [0, 0],
      [0.5, 3],
    ] as const)
      expect(() => readInclusionProof(index, size, read)).toThrow(RangeError);
    for (const [from, to] of [
      [0, 3],
      [4, 3],
      [1.5, 3],
    ] as const)
      expect(() => readConsistencyProof(from, to, read)).toThrow(RangeError);
  });
});
