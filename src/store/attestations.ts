import type { Digest } from '../base/digest.ts';
import type { Artifact } from '../protocol/outcome.ts';
import { intArray, textArray } from './array-literal.ts';
import type { Row, Session } from './database.ts';
import type { FencedStep } from './workers.ts';

export interface NewAttestation {
  readonly run: number;
  /** Names what was asked for: the same is stated once in a run. */
  readonly asked: Digest;
  readonly predicateType: string;
  readonly subjects: readonly Digest[];
  /** The signed statement, as canonical JSON. */
  readonly payload: string;
  readonly payloadSha256: string;
  /** DER, base64. */
  readonly signature: string;
  /** PEM, SPKI. */
  readonly publicKey: string;
}

export interface StoredAttestation extends NewAttestation {
  /** The step that asked; null for what the conductor says by itself. */
  readonly idx: number | null;
  readonly at: Date;
}

export interface AttestationLimits {
  /** Of one run. */
  readonly count: number;
  /** Of the payloads of one run. */
  readonly bytes: number;
}

/**
 * Keeps a statement that a step asked for, while its worker holds it; the first of those that are asked for alike stands. False
 * where none was added: it is there, the lease is lost, or the run has its share.
 */
export async function addAttestation(
  session: Session,
  worker: number,
  { run, idx, fence }: FencedStep,
  attestation: NewAttestation,
  { count, bytes }: AttestationLimits,
): Promise<boolean> {
  const rows = await session.query(
    'attestation_add',
    `insert into attestation (run_id, idx, asked, predicate_type, subjects, payload, payload_sha256, signature, public_key)
     select $1::bigint, $2::int, $5, $6, $7::text[], $8, $9, $10, $11
     where exists (select 1 from step where run_id = $1 and idx = $2 and fence = $3 and worker = $4 and state in (3, 4))
       and (select count(*) < $12::int and coalesce(sum(octet_length(a.payload)), 0) + octet_length($8) <= $13::bigint
            from attestation a where a.run_id = $1)
     on conflict do nothing returning id`,
    [run, idx, fence, worker, ...valuesOf(attestation), count, bytes],
  );
  return rows.length > 0;
}

/** Keeps what the conductor says of a run by itself; what is there stands. */
export async function addOwnAttestations(session: Session, attestations: readonly NewAttestation[]): Promise<void> {
  for (const attestation of attestations)
    await session.query(
      'attestation_add_own',
      `insert into attestation (run_id, asked, predicate_type, subjects, payload, payload_sha256, signature, public_key)
       values ($1::bigint, $2, $3, $4::text[], $5, $6, $7, $8) on conflict do nothing`,
      [attestation.run, ...valuesOf(attestation)],
    );
}

function valuesOf({ asked, predicateType, subjects, payload, payloadSha256, signature, publicKey }: NewAttestation) {
  return [asked, predicateType, textArray(subjects), payload, payloadSha256, signature, publicKey];
}

const COLUMNS =
  'run_id, idx, asked, predicate_type, to_jsonb(subjects), payload, payload_sha256, signature, public_key, at';

export async function findAttestation(
  session: Session,
  run: number,
  asked: Digest,
): Promise<StoredAttestation | undefined> {
  const rows = await session.query(
    'attestation_find',
    `select ${COLUMNS} from attestation where run_id = $1 and asked = $2`,
    [run, asked],
  );
  return rows[0] && toAttestation(rows[0]);
}

/** In the order in which they were made. */
export async function loadAttestations(session: Session, run: number): Promise<readonly StoredAttestation[]> {
  const rows = await session.query(
    'attestations_load',
    `select ${COLUMNS} from attestation where run_id = $1 order by id`,
    [run],
  );
  return rows.map(toAttestation);
}

/** Those of the given runs of which there are statements that a step asked for. */
export async function attestedRuns(session: Session, runs: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await session.query(
    'attested_runs',
    'select distinct run_id from attestation where run_id = any ($1::bigint[]) and idx is not null',
    [intArray(runs)],
  );
  return new Set(rows.map(([run]) => Number(run)));
}

/** What was stated of results that a retry keeps stays stated of them. */
export async function copyAttestations(
  session: Session,
  from: number,
  to: number,
  idxs: readonly number[],
): Promise<void> {
  await session.query(
    'attestations_copy',
    `insert into attestation (run_id, idx, asked, predicate_type, subjects, payload, payload_sha256, signature, public_key, at)
     select $2, idx, asked, predicate_type, subjects, payload, payload_sha256, signature, public_key, at
     from attestation where run_id = $1 and idx = any ($3::int[]) order by id on conflict do nothing`,
    [from, to, intArray(idxs)],
  );
}

/** Remembers that an attempt stored a content. */
export async function noteAttemptBlob(
  session: Session,
  { run, idx, fence }: FencedStep,
  digest: Digest,
): Promise<void> {
  await session.query(
    'attempt_blob_note',
    'insert into attempt_blob (run_id, idx, fence, digest) values ($1, $2, $3, $4) on conflict do nothing',
    [run, idx, fence, digest],
  );
}

/** Those of the given contents that an attempt stored. */
export async function attemptBlobs(
  session: Session,
  { run, idx, fence }: FencedStep,
  digests: readonly Digest[],
): Promise<ReadonlySet<Digest>> {
  const rows = await session.query(
    'attempt_blobs',
    'select digest from attempt_blob where run_id = $1 and idx = $2 and fence = $3 and digest = any ($4::text[])',
    [run, idx, fence, textArray(digests)],
  );
  return new Set(rows.map(([digest]) => String(digest) as Digest));
}

/** What a step that has ended left, without its outputs. */
export interface LeftArtifacts {
  readonly idx: number;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly logDigest: Digest | null;
  readonly artifacts: readonly Artifact[];
}

/** Of steps that have ended, in the plan's order. */
export async function loadLeftArtifacts(
  session: Session,
  run: number,
  idxs: readonly number[],
): Promise<readonly LeftArtifacts[]> {
  const rows = await session.query(
    'artifacts_left',
    `select idx, started_at, finished_at, outcome -> 'log' ->> 'digest', coalesce(outcome -> 'artifacts', '[]'::jsonb)
     from step where run_id = $1 and idx = any ($2::int[]) and finished_at is not null order by idx`,
    [run, intArray(idxs)],
  );
  return rows.map(([idx, startedAt, finishedAt, logDigest, artifacts]) => ({
    idx: Number(idx),
    startedAt: startedAt as Date | null,
    finishedAt: finishedAt as Date | null,
    logDigest: logDigest as Digest | null,
    artifacts: artifacts as readonly Artifact[],
  }));
}

function toAttestation(row: Row): StoredAttestation {
  return {
    run: Number(row[0]),
    idx: row[1] === null ? null : Number(row[1]),
    asked: String(row[2]) as Digest,
    predicateType: String(row[3]),
    subjects: row[4] as readonly Digest[],
    payload: String(row[5]),
    payloadSha256: String(row[6]),
    signature: String(row[7]),
    publicKey: String(row[8]),
    at: row[9] as Date,
  };
}
