import { digestBytes, hexOf } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { RunReceipt } from '../protocol/client.ts';
import type { ReleaseAsset, ReleaseEvidence, ReleaseGate } from '../protocol/release-evidence.ts';
import { isRunFinal } from '../protocol/run.ts';
import type { OutputRecord } from '../provenance/receipt.ts';
import { RUN_RECORD_NAME } from '../provenance/run-record.ts';
import { VerificationError } from '../provenance/verification-error.ts';
import { verifyReceipt } from '../provenance/verify.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { Engine } from './engine.ts';
import { assetNames } from './release-names.ts';

export interface ReleaseEvidenceOptions {
  readonly engine: Pick<Engine, 'resolve' | 'readRun' | 'readPlan' | 'readReceipt' | 'disclose'>;
  readonly blobs: Pick<BlobStore, 'get'>;
}

const RECEIPT_NAME = 'receipt.sigstore.json';
const PACK_NAME = 'disclosure.tgz';
const SUMS_NAME = 'SHA256SUMS';
const OWN_NAMES = [RECEIPT_NAME, RUN_RECORD_NAME, PACK_NAME, SUMS_NAME];

/** A file of a release that is written from what the run left, and not stored anywhere. */
interface OwnFile extends ReleaseAsset {
  readonly content: Uint8Array;
}

/** What proves a run. */
interface Proof extends RunReceipt {
  /** The disclosure pack. */
  readonly pack: Uint8Array;
}

/**
 * What a release shows of a run: its artifacts, its receipt with the run record, its disclosure pack, and the digests of them all.
 * The gate passes where the run succeeded and its receipt holds; the files are those that the receipt names.
 */
export function openReleaseEvidence({ engine, blobs }: ReleaseEvidenceOptions): ReleaseEvidence {
  const receiptOf = async (runId: string): Promise<RunReceipt> => engine.readReceipt(await engine.resolve(runId));
  const proofOf = async (runId: string): Promise<Proof> => {
    const run = await engine.resolve(runId);
    return { ...(await engine.readReceipt(run)), pack: await engine.disclose(run) };
  };
  return {
    gate: async (runId) => {
      const run = await engine.readRun(await engine.resolve(runId));
      if (!isRunFinal(run.status) || run.receipt?.status !== 'signed') return undefined;
      return gateOf(runId, run.status, await receiptOf(runId));
    },
    assets: async (runId, artifacts) => {
      const proof = await proofOf(runId);
      const files = filesOf(runId, proof, artifacts);
      return [...files, ...ownFiles(proof, files)].map(assetOf);
    },
    read: async (runId, asset) => {
      if (!OWN_NAMES.includes(asset.name)) return ReadableStream.from(await blobs.get(asset.digest));
      const plan = await engine.readPlan(await engine.resolve(runId));
      const proof = await proofOf(runId);
      const files = filesOf(runId, proof, plan.release?.artifacts);
      return ReadableStream.from([ownFile(runId, proof, files, asset)]);
    },
  };
}

function gateOf(runId: string, status: string, receipt: RunReceipt): ReleaseGate {
  const fault = faultOf(runId, receipt);
  const isGreen = status === 'succeeded';
  return {
    isPassed: isGreen && fault === undefined,
    reasons: [...(isGreen ? [] : [`the run ${status}`]), ...(fault === undefined ? [] : [fault])],
    papers: [{ name: `Receipt of run ${runId}`, isVerified: fault === undefined }],
  };
}

function faultOf(runId: string, receipt: RunReceipt): string | undefined {
  try {
    outputsOf(runId, receipt);
    return undefined;
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return `the receipt does not hold: ${error.code}`;
  }
}

function outputsOf(runId: string, { bundle, publicKey, runRecord }: RunReceipt): readonly OutputRecord[] {
  const verified = verifyReceipt({
    bundle: Buffer.from(bundle),
    key: publicKey,
    runRecord: Buffer.from(runRecord),
    expected: { runId },
  });
  return verified.statement.predicate.outputs;
}

/** @throws ARTIFACT_NOT_FOUND */
function filesOf(runId: string, receipt: RunReceipt, wanted: readonly string[] | undefined): readonly ReleaseAsset[] {
  const outputs = outputsOf(runId, receipt);
  const missing = wanted?.find((name) => !outputs.some((output) => output.name === name));
  if (missing !== undefined)
    throw new MaestroError('ARTIFACT_NOT_FOUND', `expected an artifact "${missing}" of run ${runId}, there is none`);
  const chosen = outputs.filter(({ name }) => wanted === undefined || wanted.includes(name));
  const names = assetNames(chosen, OWN_NAMES);
  return chosen.map(({ digest, sizeBytes }, index) => ({
    name: names[index] ?? '',
    mediaType: 'application/octet-stream',
    digest,
    sizeBytes: Number(sizeBytes),
  }));
}

function ownFiles({ bundle, runRecord, pack }: Proof, files: readonly ReleaseAsset[]): readonly OwnFile[] {
  const proofs = [
    file(RECEIPT_NAME, 'application/vnd.dev.sigstore.bundle.v0.3+json', Buffer.from(bundle)),
    file(RUN_RECORD_NAME, 'application/json', Buffer.from(runRecord)),
    file(PACK_NAME, 'application/gzip', pack),
  ];
  const sums = [...files, ...proofs].map(({ name, digest }) => `${hexOf(digest)}  ${name}\n`).join('');
  return [...proofs, file(SUMS_NAME, 'text/plain', Buffer.from(sums))];
}

function file(name: string, mediaType: string, content: Uint8Array): OwnFile {
  return { name, mediaType, digest: digestBytes(content), sizeBytes: content.byteLength, content };
}

/** The digest says which was meant: sums of other files have another one. */
function ownFile(runId: string, proof: Proof, files: readonly ReleaseAsset[], asset: ReleaseAsset): Uint8Array {
  const found = ownFiles(proof, files).find(({ name, digest }) => name === asset.name && digest === asset.digest);
  if (found) return found.content;
  throw new MaestroError(
    'ARTIFACT_NOT_FOUND',
    `expected ${asset.name} with ${asset.digest} of run ${runId}: it leaves another one`,
  );
}

function assetOf({ name, mediaType, digest, sizeBytes }: ReleaseAsset): ReleaseAsset {
  return { name, mediaType, digest, sizeBytes };
}
