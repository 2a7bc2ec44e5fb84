import type { Digest } from '../base/digest.ts';
import { isMaestroError, MaestroError } from '../base/errors.ts';
import type { RunAttestation } from '../protocol/attestation.ts';
import type { ReleaseEvidence, ReleaseWish } from '../protocol/release-evidence.ts';
import { isRunFinal } from '../protocol/run.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { Database } from '../store/database.ts';
import { logVerifierKey } from '../store/evidence-log.ts';
import { findReleasePack, keepReleasePack, type ReleasePack } from '../store/release-packs.ts';
import type { Engine } from './engine.ts';
import { firstProof } from './evidence-desk.ts';
import { artifactFiles, type MadeFile, packFile, paperFiles, type Released, sumsFile } from './release-files.ts';
import { isOwnStatement } from './release-gates.ts';
import { outputsOf, RELEASE_PURPOSE, receiptGate, statementGate } from './release-verdict.ts';

export interface ReleaseEvidenceOptions {
  readonly engine: Pick<
    Engine,
    'resolve' | 'readRun' | 'readPlan' | 'readReceipt' | 'disclose' | 'releases' | 'evidence'
  >;
  readonly db: Database;
  readonly blobs: Pick<BlobStore, 'get' | 'put'>;
}

/** A look at the gate's statements may meet one that began before the run's receipt was there. */
const LOOKS = 2;

/**
 * What a release shows of a run: its artifacts, the statements about them, what the gate said, its receipt with the run record, its
 * disclosure pack, and the digests of them all. What was told once is stored, and stays what is attached.
 */
export function openReleaseEvidence(options: ReleaseEvidenceOptions): ReleaseEvidence {
  const { engine, blobs } = options;
  return {
    gate: async (runId) => {
      const run = await engine.resolve(runId);
      const { status, receipt: state } = await engine.readRun(run);
      if (!isRunFinal(status) || state?.status !== 'signed') return undefined;
      const receipt = await engine.readReceipt(run);
      const verdict = receiptGate(runId, status, receipt);
      const { purpose } = await engine.readPlan(run);
      const attestations = await engine.releases.readAttestations(run);
      if (!verdict.isPassed || (purpose !== RELEASE_PURPOSE && attestations.length === 0)) return verdict;
      const signed = await signedBy(engine, run);
      return signed && statementGate(runId, await engine.releases.readGate(run), signed);
    },
    assets: async (runId, wish) => keepFiles(options, runId, wish),
    read: async (runId, { digest }) => {
      const makeAnew = async (): Promise<void> => {
        const { release } = await engine.readPlan(await engine.resolve(runId));
        await keepFiles(options, runId, release ?? {});
      };
      const content = await blobs.get(digest).catch(async (error: unknown) => {
        // Of a page that an older version judged, or of a store of blobs that was lost, what can be made anew is.
        if (!isMaestroError(error, 'ARTIFACT_NOT_FOUND')) throw error;
        await makeAnew();
        return blobs.get(digest);
      });
      return ReadableStream.from(mended(content, makeAnew));
    },
  };
}

/** What the run has, with the gate's own statements among it; undefined where they are not signed yet. */
async function signedBy(
  { releases }: ReleaseEvidenceOptions['engine'],
  run: number,
): Promise<readonly RunAttestation[] | undefined> {
  for (let look = 0; look < LOOKS; look++) {
    await releases.sign();
    const found = await releases.readAttestations(run);
    if (found.some(isOwnStatement)) return found;
  }
  return undefined;
}

/** What was damaged shows at the end, when it is too late for this reader: the next one finds it whole. */
async function* mended(content: AsyncIterable<Uint8Array>, makeAnew: () => Promise<void>): AsyncIterable<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    if (isMaestroError(error, 'BLOB_CORRUPT')) await makeAnew();
    throw error;
  }
}

/** Stores what is not an artifact, which is stored already. */
async function keepFiles(options: ReleaseEvidenceOptions, runId: string, wish: ReleaseWish) {
  const { engine, blobs } = options;
  const run = await engine.resolve(runId);
  const receipt = await engine.readReceipt(run);
  const attestations = await engine.releases.readAttestations(run);
  const released: Released = { runId, receipt, outputs: outputsOf(runId, receipt), attestations };
  const artifacts = artifactFiles(released, wish);
  const papers = paperFiles(released, artifacts);
  const files = [...artifacts, ...papers.map(assetOf), packFile(await packOf(options, run, runId))];
  const sums = sumsFile(files);
  for (const { text } of [...papers, sums]) await blobs.put(ReadableStream.from([Buffer.from(text)]));
  return [...files, assetOf(sums)];
}

/**
 * Of the public edition: whoever may see the release has it. The first one that was made stays while it can be read: later ones may be
 * others, as by the rules of a newer Maestro.
 */
async function packOf(options: ReleaseEvidenceOptions, run: number, runId: string): Promise<ReleasePack> {
  const { engine, db, blobs } = options;
  const known = await findReleasePack(db, run);
  if (known && (await isWhole(blobs, known.digest))) return known;
  await demandProof(options, runId);
  const pack = await blobs.put(ReadableStream.from([await engine.disclose(run, 'public')]));
  return keepReleasePack(db, run, pack, known?.digest);
}

/** Read to its end, where the store finds out what was damaged. */
async function isWhole(blobs: Pick<BlobStore, 'get'>, digest: Digest): Promise<boolean> {
  try {
    await ReadableStream.from(await blobs.get(digest)).pipeTo(new WritableStream());
    return true;
  } catch (error) {
    if (isMaestroError(error, 'ARTIFACT_NOT_FOUND') || isMaestroError(error, 'BLOB_CORRUPT')) return false;
    throw error;
  }
}

/**
 * A pack stays as it is made first, and without the proof it would lack it for good.
 * @throws UNAVAILABLE while the receipt is on its way into the register, where there is one
 */
async function demandProof({ engine, db }: ReleaseEvidenceOptions, runId: string): Promise<void> {
  if ((await logVerifierKey(db)) === undefined || (await firstProof(db, runId))) return;
  await engine.evidence.awaitProofs(runId).catch((error: unknown) => {
    if (!isMaestroError(error, 'EVIDENCE_NOT_FOUND')) throw error;
  });
  if (!(await firstProof(db, runId)))
    throw new MaestroError('UNAVAILABLE', `expected the receipt of run ${runId} in the register, where it is not yet`);
}

function assetOf({ name, mediaType, digest, sizeBytes }: MadeFile) {
  return { name, mediaType, digest, sizeBytes };
}
