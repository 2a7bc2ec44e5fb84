import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import type { ReleaseSpec } from '../../protocol/release-board.ts';
import type { ReleaseAsset, ReleaseEvidence } from '../../protocol/release-evidence.ts';
import type { Octokit } from '../octokit.ts';
import { once } from '../report/request-limits.ts';

/** GitHub takes 16 MB; a bundle is a statement and a certificate. */
const BUNDLE_BYTES_MAX = 1_048_576;
/** Of those with a certificate: each costs the installation a write. */
const BUNDLES_MAX = 50;
/** Of all that is read to find those: a release holds any number of bundles that are signed with a key. */
const READ_BYTES_MAX = 64 * 1024 * 1024;
const STORED_MAX = 100;
const BUNDLE_NAME = /\.(?:sigstore\.json|intoto\.jsonl)$/;
/** No such API on this server, or the App may not use it there: then the files of the release are all there is. */
const NOT_HERE = new Set([403, 404]);
/** Whatever GitHub has against a bundle: the files of the release hold it all the same. */
const NOT_TAKEN = 422;

interface Keyless {
  readonly bundle: JsonObject;
  /** What GitHub files it under: `sha256:…` of its first subject. */
  readonly subject: string;
  readonly payload: string;
}

/**
 * Gives GitHub the next bundle of the release that its attestation API does not have: those signed with a certificate, since
 * there is nothing that it could hold a plain key against. Each is given once, whether it was taken or not: GitHub need not show what
 * it has. Answers how many files are done with then; undefined where there is none to be given.
 * @param done how many were done with before
 */
export async function attestNext(
  octokit: Octokit,
  place: { readonly owner: string; readonly repo: string },
  { runId, assets }: ReleaseSpec,
  evidence: ReleaseEvidence,
  done: number,
): Promise<number | undefined> {
  let found = 0;
  for (const [index, asset] of bundlesOf(assets).entries()) {
    const keyless = await readKeyless(evidence, runId, asset);
    if (!keyless) continue;
    if (++found > BUNDLES_MAX) return undefined;
    if (index < done) continue;
    const isThere = await isStored(octokit, place, keyless);
    if (isThere === undefined) return undefined;
    if (isThere) continue;
    return (await store(octokit, place, keyless)) ? index + 1 : undefined;
  }
  return undefined;
}

/** What may be one, by name and size, as far as all of it is read. */
function bundlesOf(assets: readonly ReleaseAsset[]): readonly ReleaseAsset[] {
  const candidates = assets.filter(({ name, sizeBytes }) => BUNDLE_NAME.test(name) && sizeBytes <= BUNDLE_BYTES_MAX);
  let bytes = 0;
  return candidates.filter(({ sizeBytes }) => (bytes += sizeBytes) <= READ_BYTES_MAX);
}

/** Answers whether there is such an API. */
async function store(
  octokit: Octokit,
  { owner, repo }: { readonly owner: string; readonly repo: string },
  { bundle }: Keyless,
): Promise<boolean> {
  try {
    await octokit.rest.repos.createAttestation({ owner, repo, bundle, request: once() });
    return true;
  } catch (error) {
    const { status = 0 } = error as { readonly status?: number };
    if (status === NOT_TAKEN) return true;
    if (NOT_HERE.has(status)) return false;
    throw error;
  }
}

/** Undefined where nothing can be stored. */
async function isStored(
  octokit: Octokit,
  { owner, repo }: { readonly owner: string; readonly repo: string },
  { subject, payload }: Keyless,
): Promise<boolean | undefined> {
  const place = { owner, repo, subject_digest: subject, per_page: STORED_MAX };
  try {
    const { data } = await octokit.rest.repos.listAttestations({ ...place, request: once() });
    return (data.attestations ?? []).some(({ bundle }) => payloadOf(bundle as Json | undefined) === payload);
  } catch (error) {
    const { status } = error as { readonly status?: number };
    // Where a subject has none, GitHub says that there is nothing; where there is no such API, storing says so.
    if (status === 404) return false;
    if (status === 403) return undefined;
    throw error;
  }
}

async function readKeyless(
  evidence: ReleaseEvidence,
  runId: string,
  asset: ReleaseAsset,
): Promise<Keyless | undefined> {
  const text = await new Response(await evidence.read(runId, asset)).text();
  const bundle = parsed(text);
  if (!isJsonObject(bundle) || !hasCertificate(bundle)) return undefined;
  const payload = payloadOf(bundle);
  const statement = payload === undefined ? undefined : parsed(Buffer.from(payload, 'base64').toString('utf8'));
  const subject = isJsonObject(statement) && Array.isArray(statement.subject) ? statement.subject[0] : undefined;
  const sha256 = isJsonObject(subject) && isJsonObject(subject.digest) ? subject.digest.sha256 : undefined;
  if (payload === undefined || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  return { bundle, payload, subject: `sha256:${sha256}` };
}

function hasCertificate({ verificationMaterial: material }: JsonObject): boolean {
  return isJsonObject(material) && (material.certificate !== undefined || material.x509CertificateChain !== undefined);
}

function payloadOf(bundle: Json | undefined): string | undefined {
  if (!isJsonObject(bundle) || !isJsonObject(bundle.dsseEnvelope)) return undefined;
  const { payload } = bundle.dsseEnvelope;
  return typeof payload === 'string' ? payload : undefined;
}

/** The first line of several, as `.jsonl` has them. */
function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text.trim().split('\n')[0] ?? '') as Json;
  } catch {
    return undefined;
  }
}
