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
  readonly engine: Pick<Engine, 'resolve' | 'readRun' | 'readPlan' | 'readReceipt'>;
  readonly blobs: Pick<BlobStore, 'get'>;
}

const RECEIPT_NAME = 'receipt.sigstore.json';
const SUMS_NAME = 'SHA256SUMS';
const OWN_NAMES = [RECEIPT_NAME, RUN_RECORD_NAME, SUMS_NAME];

/** A file of a release that is written from what the run left, and not stored anywhere. */
interface Text extends ReleaseAsset {
  readonly text: string;
}

/**
 * What a release shows of a run: its artifacts, its receipt with the run record, and the digests of them all. The gate passes
 * where the run succeeded and its receipt holds; the files are those that the receipt names.
 */
export function openReleaseEvidence({ engine, blobs }: ReleaseEvidenceOptions): ReleaseEvidence {
  const receiptOf = async (runId: string): Promise<RunReceipt> => engine.readReceipt(await engine.resolve(runId));
  return {
    gate: async (runId) => {
      const run = await engine.readRun(await engine.resolve(runId));
      if (!isRunFinal(run.status) || run.receipt?.status !== 'signed') return undefined;
      return gateOf(runId, run.status, await receiptOf(runId));
    },
    assets: async (runId, artifacts) => {
      const receipt = await receiptOf(runId);
      const files = filesOf(runId, receipt, artifacts);
      return [...files, ...textsOf(receipt, files)].map(assetOf);
    },
    read: async (runId, asset) => {
      if (!OWN_NAMES.includes(asset.name)) return ReadableStream.from(await blobs.get(asset.digest));
      const plan = await engine.readPlan(await engine.resolve(runId));
      const receipt = await receiptOf(runId);
      const files = filesOf(runId, receipt, plan.release?.artifacts);
      return ReadableStream.from([Buffer.from(textFor(runId, receipt, files, asset))]);
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

function textsOf(receipt: RunReceipt, files: readonly ReleaseAsset[]): readonly Text[] {
  const bundle = text(RECEIPT_NAME, 'application/vnd.dev.sigstore.bundle.v0.3+json', receipt.bundle);
  const record = text(RUN_RECORD_NAME, 'application/json', receipt.runRecord);
  const sums = [...files, bundle, record].map(({ name, digest }) => `${hexOf(digest)}  ${name}\n`).join('');
  return [bundle, record, text(SUMS_NAME, 'text/plain', sums)];
}

function text(name: string, mediaType: string, content: string): Text {
  return { name, mediaType, digest: digestBytes(content), sizeBytes: Buffer.byteLength(content), text: content };
}

/** The digest says which was meant: sums of other files have another one. */
function textFor(runId: string, receipt: RunReceipt, files: readonly ReleaseAsset[], asset: ReleaseAsset): string {
  const found = textsOf(receipt, files).find(({ name, digest }) => name === asset.name && digest === asset.digest);
  if (found) return found.text;
  throw new MaestroError(
    'ARTIFACT_NOT_FOUND',
    `expected ${asset.name} with ${asset.digest} of run ${runId}: it leaves another one`,
  );
}

function assetOf({ name, mediaType, digest, sizeBytes }: ReleaseAsset): ReleaseAsset {
  return { name, mediaType, digest, sizeBytes };
}
