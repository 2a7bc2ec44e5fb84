import { type Digest, digestBytes, hexOf } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { RunAttestation } from '../protocol/attestation.ts';
import type { RunReceipt } from '../protocol/client.ts';
import type { ReleaseAsset, ReleaseWish } from '../protocol/release-evidence.ts';
import { kindOfPredicate } from '../provenance/attestations/predicate-types.ts';
import { SUMS_NAME } from '../provenance/disclosure/disclosure-statement.ts';
import { RECEIPT_NAME } from '../provenance/disclosure/pack-files.ts';
import { envelopeIn } from '../provenance/envelope.ts';
import type { OutputRecord } from '../provenance/receipt.ts';
import {
  assetNames,
  GATE_NAME,
  GivenNames,
  PACK_NAME,
  PAGE_NAMES,
  PAPER_ENDINGS,
  SUMMARY_NAME,
} from '../provenance/release-names.ts';
import { RUN_RECORD_NAME } from '../provenance/run-record.ts';
import type { ReleasePack } from '../store/release-packs.ts';

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** A file that is written from what the run left. */
export interface MadeFile extends ReleaseAsset {
  readonly text: string;
}

/** What the gate itself said. */
const OWN_PAPERS: Readonly<Record<string, string>> = {
  'gate-result': GATE_NAME,
  'verification-summary': SUMMARY_NAME,
};

export interface Released {
  readonly runId: string;
  readonly receipt: RunReceipt;
  readonly outputs: readonly OutputRecord[];
  readonly attestations: readonly RunAttestation[];
}

/** The artifacts that are attached, in the receipt's order. @throws ARTIFACT_NOT_FOUND where one that is wanted is not there */
export function artifactFiles({ runId, outputs }: Released, { artifacts }: ReleaseWish): readonly ReleaseAsset[] {
  const missing = artifacts?.find((name) => !outputs.some((output) => output.name === name));
  if (missing !== undefined)
    throw new MaestroError('ARTIFACT_NOT_FOUND', `expected an artifact "${missing}" of run ${runId}, there is none`);
  const chosen = outputs.filter(({ name }) => artifacts === undefined || artifacts.includes(name));
  const names = assetNames(chosen);
  return chosen.map(({ digest, sizeBytes }, index) => ({
    name: names[index] ?? '',
    mediaType: 'application/octet-stream',
    digest,
    sizeBytes: Number(sizeBytes),
  }));
}

/** What proves the artifacts: statements about them that do not lie among them already, what the gate said, and the receipt. */
export function paperFiles(released: Released, artifacts: readonly ReleaseAsset[]): readonly MadeFile[] {
  const names = new GivenNames([...PAGE_NAMES, ...artifacts.map(({ name }) => name)]);
  const known = new Set<Digest>(artifacts.map(({ digest }) => digest));
  const papers = released.attestations.flatMap((attestation): MadeFile[] => {
    const own = OWN_PAPERS[kindOfPredicate(attestation.predicateType) ?? ''];
    const name = own ?? nameOf(attestation, artifacts);
    if (name === undefined || known.has(digestBytes(attestation.bundle))) return [];
    const free = own ?? names.give([name]);
    const isSummary = name === SUMMARY_NAME;
    return [
      isSummary
        ? made(name, 'application/json', envelopeIn(attestation.bundle))
        : made(free, BUNDLE_TYPE, attestation.bundle),
    ];
  });
  const { bundle, runRecord } = released.receipt;
  return [...papers, made(RECEIPT_NAME, BUNDLE_TYPE, bundle), made(RUN_RECORD_NAME, 'application/json', runRecord)];
}

/** Undefined where it is about nothing that is attached. */
function nameOf({ predicateType, subjects }: RunAttestation, artifacts: readonly ReleaseAsset[]): string | undefined {
  const kind = kindOfPredicate(predicateType) as keyof typeof PAPER_ENDINGS | undefined;
  const about = artifacts.find(({ digest }) => subjects.includes(digest));
  return kind && about && `${about.name}${PAPER_ENDINGS[kind]}`;
}

export function packFile({ digest, sizeBytes }: ReleasePack): ReleaseAsset {
  return { name: PACK_NAME, mediaType: 'application/gzip', digest, sizeBytes };
}

/** The digests of all files, as `sha256sum --check` reads them. */
export function sumsFile(files: readonly ReleaseAsset[]): MadeFile {
  return made(SUMS_NAME, 'text/plain', files.map(({ name, digest }) => `${hexOf(digest)}  ${name}\n`).join(''));
}

function made(name: string, mediaType: string, text: string): MadeFile {
  return { name, mediaType, digest: digestBytes(text), sizeBytes: Buffer.byteLength(text), text };
}
