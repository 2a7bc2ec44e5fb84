import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isConsistent, rootFromInclusionProof } from '../../../src/provenance/merkle.ts';
import { describeWith } from '../../real-parts.ts';

interface InclusionVector {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

interface ConsistencyVector {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

const bytes = (base64: string | null): Buffer => Buffer.from(base64 ?? '', 'base64');

function read(folder: string): { readonly name: string; readonly vector: unknown }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, vector: JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown }));
}

// Of transparency-dev/merkle, from which other implementations take them too.
describeWith('merkle-vectors', 'the public vectors of proofs', (folder) => {
  const inclusion = folder === '' ? [] : read(join(folder, 'inclusion'));
  const consistency = folder === '' ? [] : read(join(folder, 'consistency'));

  it('are all there', () => {
    expect([inclusion.length, consistency.length]).toEqual([98, 98]);
  });

  it('of inclusion hold, and fail, as they should', () => {
    const wrong = inclusion.filter(({ vector }) => {
      const { leafIdx, treeSize, root, leafHash, proof, wantErr } = vector as InclusionVector;
      const found = rootFromInclusionProof(bytes(leafHash), leafIdx, treeSize, (proof ?? []).map(bytes));
      return (found !== undefined && bytes(root).equals(found)) === wantErr;
    });
    expect(wrong).toEqual([]);
  });

  it('of consistency hold, and fail, as they should', () => {
    const wrong = consistency.filter(({ vector }) => {
      const { size1, size2, root1, root2, proof, wantErr } = vector as ConsistencyVector;
      const heads = [
        { size: size1, root: bytes(root1) },
        { size: size2, root: bytes(root2) },
      ] as const;
      return isConsistent(...heads, (proof ?? []).map(bytes)) === wantErr;
    });
    expect(wrong).toEqual([]);
  });
});
