import { isConsistent, rootFromInclusionProof } from '../merkle.ts';
import { demand } from '../verification-error.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { type EvidenceLeaf, hashOfLeaf } from './leaf.ts';
import type { NoteKey } from './note-key.ts';
import { readTlogProof } from './tlog-proof.ts';

export interface LoggedLeaf {
  readonly index: number;
  /** The register when the proof was made. */
  readonly checkpoint: Checkpoint;
}

/**
 * Checks offline that a leaf is in the register whose key is given.
 * @param proof text of a `.tlog-proof` file
 * @throws VerificationError LOG_PROOF_MALFORMED, LOG_PROOF_INVALID, and what `openCheckpoint` throws
 */
export function verifyLogged(leaf: EvidenceLeaf, proof: string, key: NoteKey): LoggedLeaf {
  const { index, hashes, checkpoint: note } = readTlogProof(proof);
  const checkpoint = openCheckpoint(note, key);
  const root = rootFromInclusionProof(hashOfLeaf(leaf), index, checkpoint.size, hashes);
  const isIn = root !== undefined && Buffer.from(checkpoint.root).equals(root);
  demand(isIn, 'LOG_PROOF_INVALID', () => `the proof does not lead from this ${leaf.kind} leaf to the checkpoint`);
  return { index, checkpoint };
}

/**
 * Checks that the newer checkpoint is of the same register as the older one, grown: nothing was taken out or changed.
 * @throws VerificationError LOG_ROLLED_BACK, LOG_FORKED, LOG_PROOF_INVALID
 */
export function verifyContinues(older: Checkpoint, newer: Checkpoint, proof: readonly Uint8Array[]): void {
  demand(older.origin === newer.origin, 'LOG_FORKED', 'the checkpoints are of two registers');
  demand(
    newer.size >= older.size,
    'LOG_ROLLED_BACK',
    () => `the register had ${older.size} leaves, and now has ${newer.size}`,
  );
  const isSame = newer.size !== older.size || Buffer.from(older.root).equals(newer.root);
  demand(isSame, 'LOG_FORKED', () => `the register has signed two trees of ${newer.size} leaves`);
  // Every register begins with nothing.
  if (older.size === 0) return;
  demand(
    isConsistent(older, newer, proof),
    'LOG_PROOF_INVALID',
    () => `nothing shows that the tree of ${newer.size} leaves begins with that of ${older.size}`,
  );
}
