import { MaestroError } from '../base/errors.ts';
import {
  type EvidenceDesk,
  LEAVES_MAX,
  type ProvenLeaf,
  type RunProofs,
  type SignedCheckpoint,
} from '../protocol/evidence.ts';
import { tlogProofText } from '../provenance/evidence-log/tlog-proof.ts';
import { readConsistencyProof, readInclusionProof } from '../provenance/merkle-nodes.ts';
import type { Database } from '../store/database.ts';
import { knownRuns, unloggedRuns } from '../store/evidence-audit.ts';
import {
  latestCheckpoint,
  leavesFrom,
  leavesOfRun,
  logVerifierKey,
  readLogNodes,
  type StoredLeaf,
} from '../store/evidence-log.ts';
import type { Hub } from './hub.ts';
import type { Registrar } from './registrar.ts';

/** A receipt that was just signed is in the register within moments, unless nobody with its key runs. */
const AWAIT_MS = 3000;

export interface EvidenceDeskTools {
  readonly db: Database;
  readonly hub: Hub;
  readonly registrar: Registrar;
}

/** Answers what is asked of the register, from its stored nodes: no answer reads all leaves. */
export function openEvidenceDesk({ db, hub, registrar }: EvidenceDeskTools): EvidenceDesk {
  const desk: EvidenceDesk = {
    checkpoint: () => signedCheckpoint(db),
    proofs: (run) => proofsOf(db, run),
    awaitProofs: async (run) => {
      await registrar.register();
      const endMs = performance.now() + AWAIT_MS;
      for (;;) {
        const news = hub.next('logged', Math.max(0, endMs - performance.now()));
        const proofs = await proofsIn(db, run);
        if (proofs.close !== null || performance.now() >= endMs) return found(proofs, run);
        await news;
      }
    },
    consistency: async (from, to) => {
      const size = (await latestCheckpoint(db))?.size ?? 0;
      if (from < 1 || from > to || to > size)
        throw new MaestroError('EVIDENCE_NOT_FOUND', `expected sizes from 1 to ${size}, got ${from} and ${to}`);
      const hashes = await readConsistencyProof(from, to, (places) => readLogNodes(db, places));
      return hashes.map((hash) => Buffer.from(hash).toString('base64'));
    },
    leaves: async (from, count) => leavesFrom(db, from, Math.min(count, LEAVES_MAX)),
    known: async (runs) => knownRuns(db, runs.slice(0, LEAVES_MAX)),
    unlogged: async () => unloggedRuns(db, LEAVES_MAX),
  };
  return desk;
}

async function signedCheckpoint(db: Database): Promise<SignedCheckpoint> {
  const latest = await latestCheckpoint(db);
  const verifierKey = await logVerifierKey(db);
  if (!latest || verifierKey === undefined)
    throw new MaestroError('EVIDENCE_NOT_FOUND', 'the register is empty: no run has begun');
  return { verifierKey, checkpoint: latest.note };
}

async function proofsOf(db: Database, run: string): Promise<RunProofs> {
  return found(await proofsIn(db, run), run);
}

async function proofsIn(db: Database, run: string): Promise<RunProofs> {
  const leaves = await leavesOfRun(db, run);
  // Read after the leaves: the checkpoint is not older than they are.
  const latest = await latestCheckpoint(db);
  const verifierKey = (await logVerifierKey(db)) ?? '';
  const prove = async (kind: StoredLeaf['kind']): Promise<ProvenLeaf | null> => {
    const leaf = leaves.find((one) => one.kind === kind);
    if (!leaf || !latest) return null;
    const hashes = await readInclusionProof(leaf.index, latest.size, (places) => readLogNodes(db, places));
    const proof = tlogProofText({ index: leaf.index, hashes, checkpoint: latest.note });
    return { index: leaf.index, leaf: leaf.body, proof };
  };
  return { verifierKey, open: await prove('open'), close: await prove('close') };
}

function found(proofs: RunProofs, run: string): RunProofs {
  if (proofs.open !== null || proofs.close !== null) return proofs;
  throw new MaestroError('EVIDENCE_NOT_FOUND', `the register holds nothing of run ${run}, or not yet`);
}
