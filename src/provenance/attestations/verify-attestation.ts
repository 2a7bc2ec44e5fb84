import { type Digest, digestBytes, hexOf } from '../../base/digest.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { openEnvelope } from '../open-envelope.ts';
import { readTypedStatement } from '../read-statement.ts';
import { PAYLOAD_BYTES_MAX, type Subject } from '../receipt.ts';
import { parseCanonicalJson } from '../strict-json.ts';
import { demand } from '../verification-error.ts';
import { findKey, isKeyInForce, type KeyEntry, readTrustedKeys, type TrustedKey } from '../verify.ts';
import { predicateFault } from './predicate-fault.ts';
import { kindOfPredicate, type StatementKind } from './predicate-types.ts';
import type { Statement } from './statement.ts';

export interface AttestationRequest extends TypedRequest {
  /** What it must be about. */
  readonly subjectDigest: Digest;
}

/** Everything but what it is about. */
export interface TypedRequest {
  /** Bytes of the sigstore bundle. */
  readonly bundle: Uint8Array;
  /** Whom to trust: PEM of one P-256 public key, or several keys with what is known about them. */
  readonly key: string | readonly TrustedKey[];
  /** What kind of statement it must be: one that is valid but of another type is refused. */
  readonly predicateType: string;
  /** Which builder, and which run or one of which, it must come from, compared whole; only provenance names them. */
  readonly builderId?: string;
  readonly runIds?: readonly string[];
  /** RFC 3339: when it was there, for statements that tell no time, held against the period of a key that has one. */
  readonly at?: string;
}

export interface VerifiedAttestation {
  /** The statement's identity, in hex. */
  readonly payloadSha256: string;
  readonly keyHint: string;
  readonly statement: Statement;
}

/**
 * Checks a statement about a content offline: who signed it, that nothing was changed, that it is of the type and about the
 * content that the caller asks for, and that its predicate is what the type promises.
 *
 * Throws VerificationError. Nothing of the payload is read before its signature holds.
 */
export function verifyAttestation(request: AttestationRequest): VerifiedAttestation {
  const verified = verifyTyped(request);
  checkSubject(verified.statement.subject, request.subjectDigest);
  return verified;
}

/** The same for a caller that itself looks at what the statement is about. */
export function verifyTyped(request: TypedRequest): VerifiedAttestation {
  const keys = readTrustedKeys(request.key);
  const { payload, keyHint } = openEnvelope(request.bundle, (hint) => findKey(keys, hint));
  const statement = readTypedStatement(parseCanonicalJson(payload, PAYLOAD_BYTES_MAX), request.predicateType);
  const { predicate } = statement;
  demand(isJsonObject(predicate), 'PREDICATE_INVALID', 'expected the predicate to be an object');
  checkPredicate(request.predicateType, predicate);
  checkPeriod(keys, keyHint, statedTime(kindOfPredicate(request.predicateType), predicate) ?? request.at);
  checkOrigin(predicate, request);
  return { payloadSha256: hexOf(digestBytes(payload)), keyHint, statement: statement as unknown as Statement };
}

function checkPredicate(predicateType: string, predicate: JsonObject): void {
  const kind = kindOfPredicate(predicateType);
  demand(kind !== undefined, 'PREDICATE_TYPE_WRONG', `no statement of ${predicateType} is made by Maestro`);
  const fault = predicateFault(kind, predicate);
  demand(fault === undefined, 'PREDICATE_INVALID', `the predicate is not of its type: ${fault}`);
}

/**
 * When a statement says that it was made, or that what it is about ended. Undefined where the issuer tells no time: what a
 * scanner says of its own times is a step's word.
 */
function statedTime(kind: StatementKind | undefined, predicate: JsonObject): string | undefined {
  const time = kind === undefined ? undefined : TIMES[kind]?.(predicate);
  return typeof time === 'string' ? time : undefined;
}

const TIMES: Partial<Record<StatementKind, (predicate: JsonObject) => Json | undefined>> = {
  provenance: ({ runDetails }) => objectOf(objectOf(runDetails)['metadata'])['finishedOn'],
  'gate-result': ({ timeCreated }) => timeCreated,
  'verification-summary': ({ timeVerified }) => timeVerified,
};

/** A key that holds for some time alone is no proof of what tells no time. */
function checkPeriod(keys: ReadonlyMap<string, KeyEntry>, hint: string, at: string | undefined): void {
  const trust = keys.get(hint)?.trust ?? { publicKeyPem: '' };
  const hasPeriod = trust.notBefore !== undefined || trust.notAfter !== undefined;
  const isInForce = !hasPeriod || (at !== undefined && isKeyInForce(trust, at));
  demand(isInForce, 'KEY_OUT_OF_DATE', `the statement is of ${at ?? 'an unknown time'}, when its key was not in force`);
}

function checkSubject(subjects: readonly Subject[], digest: Digest): void {
  const isAbout = subjects.some((subject) => subject.digest.sha256 === hexOf(digest));
  demand(isAbout, 'SUBJECT_MISMATCH', `the statement is not about ${digest}`);
}

function checkOrigin(predicate: JsonObject, { builderId, runIds }: TypedRequest): void {
  const { builder, metadata } = objectOf(predicate['runDetails']);
  const isBuilder = builderId === undefined || objectOf(builder)['id'] === builderId;
  demand(isBuilder, 'BUILDER_MISMATCH', `expected the builder ${builderId}`);
  const { invocationId } = objectOf(metadata);
  const isRun = runIds === undefined || runIds.some((id) => id === invocationId);
  demand(isRun, 'RUN_MISMATCH', () => `expected a statement of run ${runIds?.join(' or ')}`);
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
