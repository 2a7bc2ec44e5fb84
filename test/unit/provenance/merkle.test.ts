import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consistencyProof,
  inclusionProof,
  isConsistent,
  leafHash,
  merkleRoot,
  rootFromInclusionProof,
} from '../../../src/provenance/merkle.ts';

// Leaves and roots of the Certificate Transparency reference implementation (transparency-dev/merkle, testonly).
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => leafHash(Buffer.from(hex, 'hex')),
);
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('the Merkle tree', () => {
  it.each(ROOTS.map((root, size) => ({ size, root })))('has the known root over $size leaves', ({ size, root }) => {
    expect(merkleRoot(LEAVES.slice(0, size)).toString('hex')).toBe(root);
  });

  // Proofs of the same reference implementation, for a tree of 8 leaves.
  it('has the known inclusion proof of leaf 5 among 8', () => {
    expect(inclusionProof(LEAVES, 5).map((hash) => hash.toString('hex'))).toEqual([
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
  });

  it('proves every leaf of every tree, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), fc.nat(), (size, one, other) => {
        const leaves = Array.from({ length: size }, (_, index) => leafHash(`leaf ${index}`));
        const root = merkleRoot(leaves);
        const index = one % size;
        const proof = inclusionProof(leaves, index);
        expect(rootFromInclusionProof(leaves[index]!, index, size, proof)).toEqual(root);
        const stranger = leaves[other % size === index ? size : other % size] ?? leafHash('no leaf');
        expect(rootFromInclusionProof(stranger, index, size, proof)).not.toEqual(root);
        expect(rootFromInclusionProof(leaves[index]!, index, size, [...proof, root])).toBeUndefined();
      }),
    );
  });

  it.each([
    { index: -1, size: 3 },
    { index: 3, size: 3 },
    { index: 0.5, size: 3 },
    { index: 0, size: 2 ** 53 },
  ])('leads nowhere from leaf $index of $size', ({ index, size }) => {
    expect(rootFromInclusionProof(leafHash('x'), index, size, [])).toBeUndefined();
  });

  it('refuses to prove a leaf that is not there', () => {
    expect(() => inclusionProof(LEAVES, 8)).toThrow(RangeError);
  });

  it('never takes a node for a leaf', () => {
    const [first, second] = LEAVES as [Buffer, Buffer];
    expect(leafHash(Buffer.concat([first, second]))).not.toEqual(merkleRoot([first, second]));
    expect(merkleRoot([])).toEqual(createHash('sha256').digest());
  });

  it('shows of every two sizes that one tree continues the other, and of nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), fc.nat(), (size, one, other) => {
        const leaves = Array.from({ length: size }, (_, index) => leafHash(`leaf ${index}`));
        const newer = { size, root: merkleRoot(leaves) };
        const older = { size: 1 + (one % size), root: merkleRoot(leaves.slice(0, 1 + (one % size))) };
        const proof = consistencyProof(leaves, older.size);
        expect(isConsistent(older, newer, proof)).toBe(true);
        const stranger = leafHash('no leaf');
        expect(isConsistent({ ...older, root: stranger }, newer, proof)).toBe(false);
        expect(isConsistent(older, { ...newer, root: stranger }, proof)).toBe(false);
        expect(isConsistent(older, newer, [...proof, stranger])).toBe(false);
        expect(isConsistent(older, newer, [stranger, ...proof])).toBe(false);
        if (proof.length === 0) return;
        expect(isConsistent(older, newer, proof.slice(1))).toBe(false);
        expect(isConsistent(older, newer, proof.with(other % proof.length, stranger))).toBe(false);
      }),
    );
  });

  it.each([0, -1, 9, 1.5])('refuses to show that 8 leaves continue %s', (size) => {
    expect(() => consistencyProof(LEAVES, size)).toThrow(RangeError);
  });
});
