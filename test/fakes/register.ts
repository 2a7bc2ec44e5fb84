import { MaestroError } from '../../src/base/errors.ts';
import type { EvidenceDesk, KnownRun, ProvenLeaf, RunProofs } from '../../src/protocol/evidence.ts';
import { readLeaf } from '../../src/provenance/evidence-log/leaf.ts';
import { consistencyProof, leafHash } from '../../src/provenance/merkle.ts';
import { checkpointOf, newLogSigner, proofOf } from '../unit/provenance/evidence-log/sample-log.ts';

/** A register in memory, which may lie: with the leaves that a test gives it, and a real key. */
export class FakeRegister implements EvidenceDesk {
  signer = newLogSigner();
  /** Canonical JSON. */
  entries: string[];
  /** Leaves that the checkpoint speaks of; absent: all that are there. */
  signed: string[] | undefined;
  runs: KnownRun[] = [];
  strangers: string[] = [];

  constructor(entries: readonly string[] = []) {
    this.entries = [...entries];
  }

  async checkpoint() {
    const leaves = this.signed ?? this.entries;
    if (leaves.length === 0) throw new MaestroError('EVIDENCE_NOT_FOUND', 'the register is empty');
    return { verifierKey: this.signer.verifierKey, checkpoint: await checkpointOf(leaves, this.signer) };
  }

  async proofs(run: string): Promise<RunProofs> {
    const prove = async (kind: string): Promise<ProvenLeaf | null> => {
      const index = this.entries.findIndex((text) => {
        const leaf = readLeaf(text);
        return leaf.runId === run && leaf.kind === kind;
      });
      if (index < 0) return null;
      return { index, leaf: this.entries[index] as string, proof: await proofOf(this.entries, index, this.signer) };
    };
    const proofs = { verifierKey: this.signer.verifierKey, open: await prove('open'), close: await prove('close') };
    if (!proofs.open && !proofs.close) throw new MaestroError('EVIDENCE_NOT_FOUND', 'nothing of that run');
    return proofs;
  }

  awaitProofs(run: string): Promise<RunProofs> {
    return this.proofs(run);
  }

  async consistency(from: number, to: number): Promise<readonly string[]> {
    if (from < 1 || to > this.entries.length) throw new MaestroError('EVIDENCE_NOT_FOUND', 'not so many leaves');
    const hashes = this.entries.slice(0, to).map((leaf) => leafHash(leaf));
    return consistencyProof(hashes, from).map((hash) => hash.toString('base64'));
  }

  async leaves(from: number, count: number): Promise<readonly string[]> {
    return this.entries.slice(from, from + count);
  }

  async known(runs: readonly string[]): Promise<readonly KnownRun[]> {
    return this.runs.filter(({ runId }) => runs.includes(runId));
  }

  async unlogged(): Promise<readonly string[]> {
    return this.strangers;
  }
}
