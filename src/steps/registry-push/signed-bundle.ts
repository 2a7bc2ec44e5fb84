import { type Digest, hexOf } from '../../base/digest.ts';
import { MaestroError, messageOf } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { BUNDLE_MEDIA_TYPE, PAYLOAD_TYPE } from '../../provenance/envelope.ts';
import { parseStrictJson } from '../../provenance/strict-json.ts';
import type { Referrer } from './referrers.ts';

/** What `cosign verify` looks for: a statement of this type, whose subject is the image, is the image's signature. */
const SIGNATURE_PREDICATE_TYPE = 'https://sigstore.dev/cosign/sign/v1';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
export const BUNDLE_BYTES_MAX = 33_554_432;
const PREDICATE_TYPE_LENGTH_MAX = 500;
const SUBJECTS_MAX = 1024;

/**
 * The statement that is the signature of an image, to be signed by whoever holds the key.
 *
 * @param name where it is published, such as registry.example.com/team/app
 */
export function imageSignatureStatement(name: string, digest: Digest): JsonObject {
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name, digest: { sha256: hexOf(digest) } }],
    predicateType: SIGNATURE_PREDICATE_TYPE,
    predicate: {},
  };
}

/**
 * A sigstore bundle as it is attached to an image, in the form in which cosign finds it.
 *
 * The signature is for verifiers to check, who know whom they trust. That the statement is about this image is checked here:
 * a paper of another one would make a release look as if it had its papers.
 *
 * @throws MaestroError IMAGE_INVALID for a bundle that is none, or is about something else
 */
export function bundleReferrer(bytes: Uint8Array<ArrayBuffer>, image: Digest, what: string): Referrer {
  const statement = statementOf(bytes, what);
  const { _type: type, subject, predicateType } = statement;
  if (type !== STATEMENT_TYPE || typeof predicateType !== 'string' || predicateType === '')
    throw invalid(`expected ${what} to hold an in-toto statement`);
  if (predicateType.length > PREDICATE_TYPE_LENGTH_MAX) throw invalid(`expected a shorter predicateType in ${what}`);
  if (
    !Array.isArray(subject) ||
    subject.length > SUBJECTS_MAX ||
    !(subject as readonly Json[]).some((one) => isAbout(one, image))
  )
    throw invalid(`${what} is about something else: expected ${image} among its subjects`);
  return {
    artifactType: BUNDLE_MEDIA_TYPE,
    bytes,
    annotations: { 'dev.sigstore.bundle.content': 'dsse-envelope', 'dev.sigstore.bundle.predicateType': predicateType },
  };
}

/** The bundle that a file says that it is; undefined for another file. What a bundle holds, others find out. */
export function readBundle(bytes: Uint8Array, what: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (!isJsonObject(value) || value.mediaType !== BUNDLE_MEDIA_TYPE) return undefined;
  } catch {
    return undefined;
  }
  // Once more, strictly: others would read two equal keys otherwise.
  return parsed(bytes, what) as JsonObject;
}

function statementOf(bytes: Uint8Array, what: string): JsonObject {
  const bundle = parsed(bytes, what);
  const envelope = isJsonObject(bundle) ? bundle.dsseEnvelope : undefined;
  if (!isJsonObject(envelope) || envelope.payloadType !== PAYLOAD_TYPE || typeof envelope.payload !== 'string')
    throw invalid(`expected ${what} to hold a signed statement of type ${PAYLOAD_TYPE}`);
  const { payload, signatures } = envelope;
  if (!Array.isArray(signatures) || signatures.length !== 1) throw invalid(`expected exactly one signature in ${what}`);
  const statement = parsed(Buffer.from(payload, 'base64'), what);
  if (!isJsonObject(statement)) throw invalid(`expected ${what} to hold an in-toto statement`);
  return statement;
}

function parsed(bytes: Uint8Array, what: string): Json {
  try {
    return parseStrictJson(bytes, BUNDLE_BYTES_MAX);
  } catch (cause) {
    throw new MaestroError('IMAGE_INVALID', `expected ${what} to be JSON: ${messageOf(cause)}`, { cause });
  }
}

function isAbout(subject: Json, image: Digest): boolean {
  return isJsonObject(subject) && isJsonObject(subject.digest) && subject.digest.sha256 === hexOf(image);
}

function invalid(message: string): MaestroError {
  return new MaestroError('IMAGE_INVALID', message);
}
