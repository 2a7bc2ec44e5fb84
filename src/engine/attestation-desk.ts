import { type Digest, digestJson, isDigest } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import { ATTESTED_SUBJECTS_MAX, type AttestRequest, SUBJECT_NAME_CHARS_MAX } from '../protocol/attestation.ts';
import type { HeldLease, LeaseClient } from '../protocol/lease.ts';
import { provenancePredicate } from '../provenance/attestations/build-provenance.ts';
import { PREDICATE_TYPES } from '../provenance/attestations/predicate-types.ts';
import { PREDICATE_BYTES_MAX, readPredicate } from '../provenance/attestations/read-predicate.ts';
import { buildStatement, type SignableStatement } from '../provenance/attestations/statement.ts';
import { bundleOf, signatureOf } from '../provenance/envelope.ts';
import type { IssuerFact } from '../provenance/facts.ts';
import { readPublicKey } from '../provenance/public-key.ts';
import type { Signer } from '../provenance/signer.ts';
import {
  addAttestation,
  attemptBlobs,
  findAttestation,
  type LeftArtifacts,
  loadLeftArtifacts,
  type StoredAttestation,
} from '../store/attestations.ts';
import { hasBlob } from '../store/blob-owners.ts';
import type { BlobStore } from '../store/blobs.ts';
import type { Database } from '../store/database.ts';
import { ownsLease } from '../store/workers.ts';
import { buildFacts } from './build-facts.ts';
import { stepAt } from './compiled-plan.ts';
import { isShared } from './content-desk.ts';
import { assertOwner, entryOf, fenced, leaseLost } from './held-lease.ts';
import { assertMayAttest } from './may-attest.ts';
import { ancestorsOf } from './promoted.ts';
import { repositoryKey } from './repository-key.ts';
import type { RunEntries, RunEntry } from './run-entry.ts';
import { ATTESTATIONS_OF_RUN } from './worker-limits.ts';

/** Who states: with which key, and in whose name. */
export interface Attester {
  readonly signer: Signer;
  readonly issuer: IssuerFact;
}

export interface AttestationDeskTools {
  readonly db: Database;
  readonly entries: RunEntries;
  readonly blobs: BlobStore;
  readonly attester: Attester;
}

/** What a step may have stated of what was made before it, or by itself. */
export function attestationCalls(tools: AttestationDeskTools): Pick<LeaseClient, 'attest'> {
  return { attest: (worker, held, request) => attest(tools, worker, held, request) };
}

/**
 * States what a step asks for. Everything is checked and signed before the one transaction that keeps it, and that one looks at
 * the lease once more: whoever lost it meanwhile gets nothing, and no key far away is asked within a transaction.
 */
async function attest(
  tools: AttestationDeskTools,
  worker: number,
  held: HeldLease,
  request: AttestRequest,
): Promise<string> {
  const { db } = tools;
  await assertOwner(db, worker, held);
  const entry = await entryOf(tools, held);
  const { idx } = fenced(held);
  const step = stepAt(entry.compiled, idx);
  assertMayAttest(step, request.kind);
  checkRequest(request);
  const asked = digestJson({
    idx,
    kind: request.kind,
    subjects: wanted(request),
    predicate: request.predicate ?? null,
  });
  const known = await findAttestation(db, entry.id, asked);
  if (known) return bundleText(known);
  const left = await leftBefore(db, entry, step);
  await assertMade(tools, entry, held, left, request);
  const statement = await statementOf(tools, entry, idx, left, request);
  return keep(tools, worker, held, { asked, request, statement });
}

function wanted({ subjects }: AttestRequest): readonly JsonObject[] {
  return subjects.map(({ name, digest }) => ({ name, digest }));
}

/** Calls in this process come through no schema. */
function checkRequest({ subjects, predicate, kind }: AttestRequest): void {
  const isFine =
    subjects.length > 0 &&
    subjects.length <= ATTESTED_SUBJECTS_MAX &&
    subjects.every(({ name, digest }) => name !== '' && name.length <= SUBJECT_NAME_CHARS_MAX && isDigest(digest));
  if (!isFine)
    throw new MaestroError(
      'INPUT_INVALID',
      `expected 1 to ${ATTESTED_SUBJECTS_MAX} subjects, each with name and digest`,
    );
  const isOwn = kind === 'provenance' || kind === 'signature';
  if (isOwn === (predicate !== undefined))
    throw new MaestroError(
      'INPUT_INVALID',
      isOwn ? `a ${kind} takes no document` : `expected the digest of the document that states ${kind}`,
    );
}

/** What the steps left that a step needs, directly or not. */
async function leftBefore(db: Database, { id, compiled }: RunEntry, step: PlanStep): Promise<readonly LeftArtifacts[]> {
  const idxs = ancestorsOf(compiled, step).flatMap((need) => compiled.indexById.get(need) ?? []);
  return idxs.length === 0 ? [] : loadLeftArtifacts(db, id, idxs);
}

/**
 * Subjects and document must come from this run: left by a step before, or stored by this very attempt. What a worker merely
 * names must be in the store as well, and its repository must have stored it.
 */
async function assertMade(
  tools: AttestationDeskTools,
  entry: RunEntry,
  held: HeldLease,
  left: readonly LeftArtifacts[],
  { subjects, predicate }: AttestRequest,
): Promise<void> {
  const digests = [...new Set([...subjects.map(({ digest }) => digest), ...(predicate ? [predicate] : [])])];
  const before = new Set(left.flatMap(({ artifacts }) => artifacts.map(({ digest }) => digest)));
  const own = await attemptBlobs(tools.db, fenced(held), digests);
  for (const digest of digests) {
    if ((before.has(digest) || own.has(digest)) && (await isStored(tools, entry, digest))) continue;
    throw new MaestroError(
      'ARTIFACT_NOT_FOUND',
      `expected a content that a step before left as an artifact, or that this step stored, got ${digest}`,
    );
  }
}

async function isStored({ db, blobs }: AttestationDeskTools, { trigger }: RunEntry, digest: Digest): Promise<boolean> {
  if (isShared(trigger)) return hasBlob(db, repositoryKey(trigger), digest);
  return blobs.get(digest).then(
    () => true,
    () => false,
  );
}

async function statementOf(
  tools: AttestationDeskTools,
  entry: RunEntry,
  idx: number,
  left: readonly LeftArtifacts[],
  request: AttestRequest,
): Promise<SignableStatement> {
  const { kind, subjects, predicate } = request;
  if (predicate !== undefined) {
    const bytes = await wholeBlob(tools.blobs, predicate);
    return buildStatement(kind, subjects, readPredicate(kind, bytes));
  }
  if (kind !== 'provenance') return buildStatement(kind, subjects, {});
  const digests = new Set(subjects.map(({ digest }) => digest));
  return buildStatement(
    kind,
    subjects,
    provenancePredicate(await buildFacts({ db: tools.db, issuer: tools.attester.issuer }, entry, idx, left, digests)),
  );
}

/** @throws FILE_TOO_LARGE before more than that is in memory */
async function wholeBlob(blobs: BlobStore, digest: Digest): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of await blobs.get(digest)) {
    sizeBytes += part.byteLength;
    if (sizeBytes > PREDICATE_BYTES_MAX)
      throw new MaestroError('FILE_TOO_LARGE', `expected a document of at most ${PREDICATE_BYTES_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

interface Draft {
  readonly asked: Digest;
  readonly request: AttestRequest;
  readonly statement: SignableStatement;
}

async function keep(
  { db, attester: { signer } }: AttestationDeskTools,
  worker: number,
  held: HeldLease,
  { asked, request, statement }: Draft,
): Promise<string> {
  const step = fenced(held);
  const attestation = {
    run: step.run,
    asked,
    predicateType: PREDICATE_TYPES[request.kind],
    subjects: [...new Set(request.subjects.map(({ digest }) => digest))],
    ...statement,
    signature: await signatureOf(statement.payload, signer),
    publicKey: signer.publicKeyPem,
  };
  const isAdded = await db.transaction((session) =>
    addAttestation(session, worker, step, attestation, ATTESTATIONS_OF_RUN),
  );
  if (isAdded) return bundleText(attestation);
  const known = await findAttestation(db, step.run, asked);
  if (known) return bundleText(known);
  if (!(await ownsLease(db, worker, step))) throw leaseLost(held);
  const { count, bytes } = ATTESTATIONS_OF_RUN;
  throw new MaestroError(
    'REQUEST_TOO_LARGE',
    `expected one run to have at most ${count} statements, of ${bytes} bytes`,
  );
}

/** A kept statement as a sigstore bundle. */
export function bundleText({
  payload,
  signature,
  publicKey,
}: Pick<StoredAttestation, 'payload' | 'signature' | 'publicKey'>): string {
  const key = readPublicKey(publicKey);
  if (!key) throw new MaestroError('STATE_CORRUPT', 'a statement is kept with something that is no public key');
  return bundleOf(payload, signature, key.hint);
}
