import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { signCheckpoint } from '../../../../src/provenance/evidence-log/checkpoint.ts';
import { type EvidenceLeaf, leafText } from '../../../../src/provenance/evidence-log/leaf.ts';
import type { LogSigner } from '../../../../src/provenance/evidence-log/log-signer.ts';
import { noteKeyId, verifierKeyText } from '../../../../src/provenance/evidence-log/note-key.ts';
import { tlogProofText } from '../../../../src/provenance/evidence-log/tlog-proof.ts';
import { inclusionProof, leafHash, merkleRoot } from '../../../../src/provenance/merkle.ts';

export function newLogSigner(origin = 'log.example/maestro'): LogSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    origin,
    keyId: noteKeyId(origin, publicKey),
    verifierKey: verifierKeyText(origin, publicKey),
    sign: async (bytes) => sign(null, bytes, privateKey),
  };
}

export const runIdOf = (run: number): string => `01kdxyz0a0${String(run).padStart(16, '0')}`;
export const receiptOf = (run: number): string => createHash('sha256').update(`receipt ${run}`).digest('hex');

export const openLeaf = (run: number): EvidenceLeaf => ({ v: 1, kind: 'open', runId: runIdOf(run), attempt: 1 });
export const closeLeaf = (run: number): EvidenceLeaf => ({
  v: 1,
  kind: 'close',
  runId: runIdOf(run),
  attempt: 1,
  payloadSha256: receiptOf(run),
});

/** Opens and closes runs from 0. */
export function leavesOf(runs: number): EvidenceLeaf[] {
  return Array.from({ length: runs }, (_, run) => [openLeaf(run), closeLeaf(run)]).flat();
}

export const textsOf = (leaves: readonly EvidenceLeaf[]): string[] => leaves.map(leafText);

export function checkpointOf(leaves: readonly string[], signer: LogSigner): Promise<string> {
  return signCheckpoint({ size: leaves.length, root: merkleRoot(leaves.map((leaf) => leafHash(leaf))) }, signer);
}

export async function proofOf(leaves: readonly string[], index: number, signer: LogSigner): Promise<string> {
  const hashes = inclusionProof(
    leaves.map((leaf) => leafHash(leaf)),
    index,
  );
  return tlogProofText({ index, hashes, checkpoint: await checkpointOf(leaves, signer) });
}
