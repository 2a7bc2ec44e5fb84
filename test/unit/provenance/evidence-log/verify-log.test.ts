import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, openCheckpoint } from '../../../../src/provenance/evidence-log/checkpoint.ts';
import { readVerifierKey } from '../../../../src/provenance/evidence-log/note-key.ts';
import { readTlogProof } from '../../../../src/provenance/evidence-log/tlog-proof.ts';
import { verifyContinues, verifyLogged } from '../../../../src/provenance/evidence-log/verify-log.ts';
import { consistencyProof, leafHash, merkleRoot } from '../../../../src/provenance/merkle.ts';
import { codeOf } from '../refusal.ts';
import { closeLeaf, leavesOf, newLogSigner, openLeaf, proofOf, textsOf } from './sample-log.ts';

const signer = newLogSigner();
const key = readVerifierKey(signer.verifierKey);
const leaves = leavesOf(5);
const texts = textsOf(leaves);

describe('a proof that a leaf is in the register', () => {
  it('holds for every leaf', async () => {
    for (const [index, leaf] of leaves.entries()) {
      const logged = verifyLogged(leaf, await proofOf(texts, index, signer), key);
      expect(logged).toMatchObject({ index, checkpoint: { size: 10, origin: signer.origin } });
    }
  });

  it('does not hold for another leaf', async () => {
    const proof = await proofOf(texts, 3, signer);
    for (const leaf of [closeLeaf(2), openLeaf(1), { ...closeLeaf(1), attempt: 2 }])
      expect(codeOf(() => verifyLogged(leaf, proof, key))).toBe('LOG_PROOF_INVALID');
  });

  it('is of the register whose key is given', async () => {
    const proof = await proofOf(texts, 3, newLogSigner());
    expect(codeOf(() => verifyLogged(closeLeaf(1), proof, key))).toBe('KEY_UNKNOWN');
  });

  it('does not hold with any of its bytes changed', async () => {
    const bytes = Buffer.from(await proofOf(texts, 3, signer));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ (1 << bit);
        expect(codeOf(() => verifyLogged(closeLeaf(1), changed.toString(), key))).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  it('may come with what somebody added for themselves', async () => {
    const proof = await proofOf(texts, 3, signer);
    const extra = proof.replace('\nindex', '\nextra aGVsbG8=\nindex');
    expect(verifyLogged(closeLeaf(1), extra, key).index).toBe(3);
  });

  it.each([
    ['another version', (proof: string) => proof.replace('@v1', '@v2')],
    ['no index', (proof: string) => proof.replace('index 3\n', '')],
    ['an index with a leading zero', (proof: string) => proof.replace('index 3', 'index 03')],
    ['a hash that is too short', (proof: string) => proof.replace('index 3\n', 'index 3\nAAAA\n')],
    [
      'a hundred hashes',
      (proof: string) => proof.replace('index 3\n', `index 3\n${`${'A'.repeat(43)}=\n`.repeat(100)}`),
    ],
    ['no checkpoint', (proof: string) => proof.slice(0, proof.indexOf('\n\n'))],
  ])('is refused with %s', async (_, change) => {
    const proof = change(await proofOf(texts, 3, signer));
    expect(codeOf(() => readTlogProof(proof))).toBe('LOG_PROOF_MALFORMED');
  });
});

describe('a checkpoint after another', () => {
  const hashes = texts.map((text) => leafHash(text));
  const head = (size: number, root = merkleRoot(hashes.slice(0, size))): Checkpoint => ({
    origin: signer.origin,
    size,
    root,
  });
  const judge = (older: Checkpoint, newer: Checkpoint, proof: readonly Uint8Array[] = []) =>
    codeOf(() => verifyContinues(older, newer, proof));

  it('may have grown, or not', () => {
    expect(judge(head(4), head(10), consistencyProof(hashes, 4))).toBeUndefined();
    expect(judge(head(10), head(10))).toBeUndefined();
    expect(judge(head(0), head(10))).toBeUndefined();
  });

  it('may not have fewer leaves', () => {
    expect(judge(head(10), head(9))).toBe('LOG_ROLLED_BACK');
  });

  it('may not have others', () => {
    const forked = head(10, merkleRoot(hashes.with(2, leafHash('forged'))));
    expect(judge(head(10), forked)).toBe('LOG_FORKED');
    expect(judge(head(4), forked, consistencyProof(hashes, 4))).toBe('LOG_PROOF_INVALID');
    expect(judge(head(4), { ...head(10), origin: 'log.example/other' })).toBe('LOG_FORKED');
  });

  it('is not taken without proof', () => {
    expect(judge(head(4), head(10))).toBe('LOG_PROOF_INVALID');
    const altered = consistencyProof(hashes, 4).with(0, Buffer.alloc(32));
    expect(judge(head(4), head(10), altered)).toBe('LOG_PROOF_INVALID');
  });

  it('of a signed note is what was signed', async () => {
    const proof = await proofOf(texts, 0, signer);
    expect(openCheckpoint(readTlogProof(proof).checkpoint, key)).toEqual(head(10));
  });
});
