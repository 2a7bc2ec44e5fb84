import { auditRegister } from '../../../../src/cli/register/audit-register.ts';
import { verifyDisclosure } from '../../../../src/provenance/disclosure/verify-disclosure.ts';
import { openCheckpoint } from '../../../../src/provenance/evidence-log/checkpoint.ts';
import { readVerifierKey } from '../../../../src/provenance/evidence-log/note-key.ts';
import { readTlogProof, tlogProofText } from '../../../../src/provenance/evidence-log/tlog-proof.ts';
import { verifyContinues, verifyLogged } from '../../../../src/provenance/evidence-log/verify-log.ts';
import { consistencyProof, leafHash } from '../../../../src/provenance/merkle.ts';
import { FakeRegister } from '../../../fakes/register.ts';
import { samplePack } from '../disclosure/sample-disclosure.ts';
import {
  checkpointOf,
  closeLeaf,
  leavesOf,
  newLogSigner,
  openLeaf,
  proofOf,
  receiptOf,
  runIdOf,
  textsOf,
} from '../evidence-log/sample-log.ts';
import { type Group, type Item, once, refusalOf } from './item.ts';
import { packGround } from './packs.ts';

const signer = once(async () => newLogSigner());
const RUNS = 20;
const LEAVES = textsOf(leavesOf(RUNS));

/** A register with one key, of which somebody kept a checkpoint, beside the store that it is of; its first finding. */
export function auditItem(name: string, code: string, change: (register: FakeRegister) => unknown): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const register = new FakeRegister(LEAVES);
    register.runs = Array.from({ length: RUNS }, (_, run) => known(run));
    const kept = [await checkpointOf(LEAVES.slice(0, 12), register.signer)];
    if (isTampered) change(register);
    const { findings } = await auditRegister({
      reader: register,
      store: register,
      key: undefined,
      kept,
      openSinceMs: Number.POSITIVE_INFINITY,
    });
    return findings[0]?.code;
  };
  return { name, code, answer };
}

/** As the store knows a run of the register. */
function known(run: number): FakeRegister['runs'][number] {
  return { runId: runIdOf(run), isOverdue: false, payloadSha256: receiptOf(run) };
}

/** The proof that the fourth leaf is in a register of twenty runs. */
function proofItem(name: string, code: string, change: (proof: string) => string | Promise<string>, run = 1): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const key = readVerifierKey((await signer()).verifierKey);
    const genuine = await proofOf(LEAVES, 3, await signer());
    const proof = isTampered ? await change(genuine) : genuine;
    return refusalOf(() => verifyLogged(closeLeaf(isTampered ? run : 1), proof, key));
  };
  return { name, code, answer };
}

/** A checkpoint of twelve leaves, and one of all, with what shows that the one continues the other. */
function growthItem(name: string, code: string, older: readonly string[], newer: readonly string[]): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const key = readVerifierKey((await signer()).verifierKey);
    const open = async (leaves: readonly string[]) => openCheckpoint(await checkpointOf(leaves, await signer()), key);
    const [before, after] = await Promise.all([
      open(isTampered ? older : LEAVES.slice(0, 12)),
      open(isTampered ? newer : LEAVES),
    ]);
    const proof = consistencyProof(
      LEAVES.map((leaf) => leafHash(leaf)),
      12,
    );
    return refusalOf(() => verifyContinues(before, after, proof));
  };
  return { name, code, answer };
}

/** A pack whose receipt is, or is not, in the register that the reader names. */
function loggedPackItem(name: string, code: string, leafOf: (sha: string) => string | undefined): Item {
  const answer = async (isTampered: boolean): Promise<string | undefined> => {
    const { signer: packSigner, facts, archive } = await packGround();
    const { receipt } = await verifyDisclosure({ archive, key: packSigner.publicKeyPem });
    const { id: runId, attempt } = receipt.statement.predicate.run;
    const close = { v: 1, kind: 'close', runId, attempt, payloadSha256: receipt.payloadSha256 } as const;
    const own = textsOf([close])[0];
    const leaf = isTampered ? leafOf(own ?? '') : own;
    const logSigner = await signer();
    const register =
      leaf === undefined
        ? null
        : { proof: await proofOf([...LEAVES, leaf], LEAVES.length, logSigner), logKey: logSigner.verifierKey };
    const pack = await samplePack(packSigner, { ...facts, register });
    const logKey = readVerifierKey(logSigner.verifierKey);
    return refusalOf(() => verifyDisclosure({ archive: pack, key: packSigner.publicKeyPem, logKey }));
  };
  return { name, code, answer };
}

const FORKED = LEAVES.with(2, textsOf([openLeaf(99)])[0] ?? '');

export const REGISTER: Group = {
  title: 'The register',
  items: [
    auditItem('leaves missing at its end', 'LOG_TRUNCATED', (register) => {
      register.signed = [...LEAVES];
      register.entries = LEAVES.slice(0, -1);
    }),
    auditItem(
      'rolled back to before a checkpoint that was kept',
      'LOG_ROLLED_BACK',
      (register) => (register.entries = LEAVES.slice(0, 8)),
    ),
    growthItem('rolled back, by two checkpoints', 'LOG_ROLLED_BACK', LEAVES, LEAVES.slice(0, 12)),
    auditItem(
      'written anew',
      'LOG_FORKED',
      (register) => (register.entries = [...textsOf(leavesOf(3)), ...LEAVES.slice(8)]),
    ),
    growthItem('two trees of one size', 'LOG_FORKED', LEAVES, FORKED),
    growthItem('a tree that does not begin with the one before', 'LOG_PROOF_INVALID', LEAVES.slice(0, 12), FORKED),
    proofItem('a proof in which one hash was changed', 'LOG_PROOF_INVALID', (proof) => {
      const read = readTlogProof(proof);
      return tlogProofText({ ...read, hashes: [Buffer.alloc(32), ...read.hashes.slice(1)] });
    }),
    proofItem('a proof of another place', 'LOG_PROOF_INVALID', (proof) => proof.replace('index 3', 'index 5')),
    proofItem('the proof of another receipt', 'LOG_PROOF_INVALID', (proof) => proof, 2),
    proofItem('a checkpoint of another size than was signed', 'SIGNATURE_INVALID', (proof) =>
      proof.replace('\n40\n', '\n41\n'),
    ),
    proofItem('a proof by the key of another register', 'KEY_UNKNOWN', () => proofOf(LEAVES, 3, newLogSigner())),
    proofItem('a proof that is cut off', 'LOG_PROOF_MALFORMED', (proof) => proof.slice(0, proof.indexOf('\n\n'))),
    proofItem('a checkpoint without a signature', 'CHECKPOINT_MALFORMED', (proof) =>
      proof.slice(0, proof.indexOf('—')),
    ),
    auditItem('a leaf that is none', 'LEAF_MALFORMED', (register) => register.entries.push('{"kind":"shut"}')),
    auditItem('another receipt than the stored one', 'CLOSE_MISMATCH', ({ runs }) =>
      runs.splice(4, 1, { ...known(4), payloadSha256: receiptOf(5) }),
    ),
    auditItem('a run that began, and that the register does not have', 'RUN_NOT_LOGGED', ({ strangers }) =>
      strangers.push(runIdOf(99)),
    ),
    loggedPackItem('a pack whose receipt is not in the register', 'LOG_PROOF_MISSING', () => undefined),
    loggedPackItem('a pack with the proof of another receipt', 'LOG_PROOF_INVALID', (leaf) =>
      leaf.replace('"attempt":1', '"attempt":2'),
    ),
  ],
};
