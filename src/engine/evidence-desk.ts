import { MaestroError } from '../base/errors.ts';
import {
  type EvidenceDesk,
  LEAVES_MAX,
  type ProvenLeaf,
  type RunProofs,
  type SignedCheckpoint,
} from '../protocol/evidence.ts';
import type { RegisterProof } from '../provenance/disclosure/disclosure-facts.ts';
import { tlogProofText } from '../provenance/evidence-log/tlog-proof.ts';
import { readConsistencyProof, readInclusionProof } from '../provenance/merkle-nodes.ts';
import type { Database } from '../store/database.ts';
import { knownRuns, unloggedRuns } from '../store/evidence-audit.ts';
import {
  firstCheckpoint,
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

/**
 * That a run's receipt is in the register, as it could be shown first: it is the same for good. Null where the receipt is on its way.
 * @param run whole id
 */
export async function firstProof(db: Database, run: string): Promise<RegisterProof | null> {
  const close = (await leavesOfRun(db, run)).find(({ kind }) => kind === 'close');
  const checkpoint = close && (await firstCheckpoint(db, close.index));
  const logKey = await logVerifierKey(db);
  if (!close || !checkpoint || logKey === undefined) return null;
  return { logKey, proof: await proofText(db, close, checkpoint) };
}

async function proofText(
  db: Database,
  { index }: StoredLeaf,
  { size, note }: { readonly size: number; readonly note: string },
): Promise<string> {
  const hashes = await readInclusionProof(index, size, (places) => readLogNodes(db, places));
  return tlogProofText({ index, hashes, checkpoint: note });
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
    return { index: leaf.index, leaf: leaf.body, proof: await proofText(db, leaf, latest) };
  };
  return { verifierKey, open: await prove('open'), close: await prove('close') };
}

function found(proofs: RunProofs, run: string): RunProofs {
  if (proofs.open !== null || proofs.close !== null) return proofs;
  throw new MaestroError('EVIDENCE_NOT_FOUND', `the register holds nothing of run ${run}, or not yet`);
}
