import { X509Certificate } from 'node:crypto';
import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type SignedEntity, type Signer, toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { canonicalJson } from '../base/canonical-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { bundleText } from './bundle-text.ts';
import { PAYLOAD_TYPE } from './envelope.ts';
import { BUNDLE_BYTES_MAX, decodeBase64, objectOf, signatureOf } from './open-envelope.ts';
import { PAYLOAD_BYTES_MAX } from './receipt.ts';
import { parseStrictJson } from './strict-json.ts';
import { demand, type VerificationCode, VerificationError } from './verification-error.ts';

const ROOT_BYTES_MAX = 1_048_576;
const ROOT_TYPE = /^"application\/vnd\.dev\.sigstore\.trustedroot[+.;]/;
/** Of each kind: one is usual, and each costs a chain of certificates. */
const WITNESSES_MAX = 4;

export interface KeylessTrust {
  /** Bytes of a sigstore trusted root (JSON): whose certificates, timestamps and logs count. */
  readonly trustedRoot: Uint8Array;
  /** The certificate's subject alternative name, compared whole: `https://github.com/acme/app/.github/workflows/ci.yml@refs/heads/main`. */
  readonly certificateIdentity: string;
  /** Who vouched for that identity, compared whole: `https://token.actions.githubusercontent.com`. */
  readonly certificateIssuer: string;
}

/**
 * Checks a bundle that was signed under a certificate, and only then hands out the signed bytes.
 *
 * `@sigstore/verify` checks chains, timestamps and log entries. What it leaves open is closed here: it takes the identity for an
 * unanchored pattern, skips unknown fields and odd base64, and its trust in a log's time needs an entry that it has verified.
 */
export function openKeylessEnvelope(bundleBytes: Uint8Array, trust: KeylessTrust): Buffer {
  const root = readTrustedRoot(trust.trustedRoot);
  const document = parseStrictJson(bundleBytes, BUNDLE_BYTES_MAX);
  const payload = readForm(document);
  const { bundle, entity } = read(document);
  const hasEntries = bundle.verificationMaterial.tlogEntries.length > 0;
  const verifier = new Verifier(toTrustMaterial(root), {
    tlogThreshold: hasEntries ? 1 : 0,
    // A root that trusts no log of certificates is one of an authority that keeps none.
    ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
    timestampThreshold: 1,
  });
  checkIdentity(verified(verifier, entity, document), trust);
  return payload;
}

/** Throws VerificationError TRUSTED_ROOT_INVALID, or the code of what is wrong with its JSON. */
function readTrustedRoot(bytes: Uint8Array): TrustedRoot {
  const document = parseStrictJson(bytes, ROOT_BYTES_MAX);
  const isRoot = isJsonObject(document) && ROOT_TYPE.test(JSON.stringify(document.mediaType) ?? '');
  demand(isRoot, 'TRUSTED_ROOT_INVALID', 'expected a sigstore trusted root (trusted_root.json)');
  try {
    const root = TrustedRoot.fromJSON(document);
    toTrustMaterial(root);
    return root;
  } catch {
    throw new VerificationError(
      'TRUSTED_ROOT_INVALID',
      'expected a sigstore trusted root: its keys or certificates cannot be read',
    );
  }
}

/** What every bundle of ours has in common. Returns the payload, which nobody may read before its signature holds. */
function readForm(document: Json): Buffer {
  const bundle = objectOf(document, 'bundle', ['mediaType', 'verificationMaterial', 'dsseEnvelope']);
  const material = bundle.verificationMaterial;
  demand(isJsonObject(material), 'ENVELOPE_MALFORMED', 'expected verificationMaterial to be an object');
  const isByKey = 'publicKey' in material;
  demand(!isByKey, 'CERTIFICATE_MISSING', 'expected a bundle signed under a certificate, got one signed by a key');
  const { rawBytes } = objectOf(material.certificate, 'certificate', ['rawBytes']);
  decodeBase64(rawBytes, 'certificate');
  const envelope = objectOf(bundle.dsseEnvelope, 'dsseEnvelope', ['payload', 'payloadType', 'signatures']);
  demand(envelope.payloadType === PAYLOAD_TYPE, 'PAYLOAD_TYPE_WRONG', `expected a payload of type ${PAYLOAD_TYPE}`);
  signatureOf(envelope.signatures);
  const payload = decodeBase64(envelope.payload, 'payload');
  demand(
    payload.byteLength <= PAYLOAD_BYTES_MAX,
    'TOO_LARGE',
    `expected a payload of at most ${PAYLOAD_BYTES_MAX} bytes`,
  );
  checkWitnesses(material);
  return payload;
}

function checkWitnesses({ tlogEntries = [], timestampVerificationData = {} }: JsonObject): void {
  const { rfc3161Timestamps = [] } = isJsonObject(timestampVerificationData) ? timestampVerificationData : {};
  for (const witnesses of [tlogEntries, rfc3161Timestamps]) {
    demand(Array.isArray(witnesses), 'ENVELOPE_MALFORMED', 'expected timestamps and log entries to be lists');
    demand(
      witnesses.length <= WITNESSES_MAX,
      'TOO_LARGE',
      `expected at most ${WITNESSES_MAX} timestamps and log entries`,
    );
  }
  const count = (tlogEntries as readonly Json[]).length + (rfc3161Timestamps as readonly Json[]).length;
  // A certificate lives for minutes: without a time nobody knows whether it did when it signed.
  demand(count > 0, 'TIMESTAMP_MISSING', 'expected a timestamp or a log entry, got neither');
}

/** The same document when it is written again: so it holds no field that the reader skipped, and no base64 in another form. */
function read(document: Json): { readonly bundle: Bundle; readonly entity: SignedEntity } {
  let read: { readonly bundle: Bundle; readonly entity: SignedEntity; readonly again: string };
  try {
    const bundle = bundleFromJSON(document);
    read = { bundle, entity: toSignedEntity(bundle), again: bundleText(bundle) };
  } catch {
    throw new VerificationError('ENVELOPE_MALFORMED', 'expected a bundle v0.3 whose parts can be read');
  }
  const isSame = read.again === canonicalJson(document);
  demand(isSame, 'ENVELOPE_MALFORMED', 'expected a bundle v0.3 with its own fields, in strict base64, and no other');
  return read;
}

const CODES: Readonly<Record<string, VerificationCode>> = {
  SIGNATURE_ERROR: 'SIGNATURE_INVALID',
  TIMESTAMP_ERROR: 'TIMESTAMP_UNTRUSTED',
  CERTIFICATE_ERROR: 'CERTIFICATE_UNTRUSTED',
};

const MEANINGS: Partial<Record<VerificationCode, string>> = {
  SIGNATURE_INVALID: 'the signature does not fit payload and certificate',
  TIMESTAMP_UNTRUSTED: 'a timestamp is not of an authority that the trusted root names, or not of this signature',
  CERTIFICATE_UNTRUSTED: 'the certificate is not of an authority that the trusted root names',
  LOG_ENTRY_INVALID: 'a log entry is not of a log that the trusted root names, or not about this signature',
};

function verified(verifier: Verifier, entity: SignedEntity, document: Json): Signer {
  try {
    return verifier.verify(entity);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    const found = typeof code === 'string' && code.startsWith('TLOG') ? 'LOG_ENTRY_INVALID' : CODES[String(code)];
    if (found === undefined)
      throw new VerificationError('ENVELOPE_MALFORMED', 'a part of the bundle cannot be verified');
    if (found === 'CERTIFICATE_UNTRUSTED') checkWindow(entity, document);
    throw new VerificationError(found, MEANINGS[found] ?? '');
  }
}

/** Tells a time at which the certificate was not in force, which is another refusal than that of a stranger's certificate. */
function checkWindow({ timestamps }: SignedEntity, document: Json): void {
  const bundle = document as { verificationMaterial: { certificate: { rawBytes: string } } };
  const { validFromDate, validToDate } = new X509Certificate(
    Buffer.from(bundle.verificationMaterial.certificate.rawBytes, 'base64'),
  );
  for (const stamp of timestamps) {
    const at =
      stamp.$case === 'timestamp-authority'
        ? stamp.timestamp.signingTime
        : new Date(Number(stamp.tlogEntry.integratedTime) * 1000);
    demand(
      at >= validFromDate && at <= validToDate,
      'TIMESTAMP_OUT_OF_WINDOW',
      `it was signed at ${at.toISOString()}, when its certificate was not in force`,
    );
  }
}

function checkIdentity({ identity }: Signer, { certificateIdentity, certificateIssuer }: KeylessTrust): void {
  const [name, issuer] = [identity?.subjectAlternativeName, issuerOf(identity)];
  demand(
    name === certificateIdentity,
    'IDENTITY_MISMATCH',
    () => `expected the identity ${certificateIdentity}, the certificate is of ${name ?? 'nobody'}`,
  );
  demand(
    issuer === certificateIssuer,
    'ISSUER_MISMATCH',
    () => `expected the issuer ${certificateIssuer}, the certificate names ${issuer ?? 'none'}`,
  );
}

/** https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md: 8 is a UTF8String in DER, 1 the same as bare bytes. */
const ISSUER = '1.3.6.1.4.1.57264.1.8';
const ISSUER_OLD = '1.3.6.1.4.1.57264.1.1';
const UTF8_STRING = 0x0c;
const LONG_LENGTH = 0x80;

/** Read here once more: the library reads ASCII, in which a foreign letter can become one of ours. */
function issuerOf(identity: Signer['identity']): string | undefined {
  const valueOf = (id: string): Buffer | undefined => {
    const all = identity?.oids?.filter(({ oid }) => oid?.id.join('.') === id) ?? [];
    return all.length === 1 ? all[0]?.value : undefined;
  };
  const value = valueOf(ISSUER);
  if (value === undefined) return valueOf(ISSUER_OLD)?.toString('utf8');
  const length = value[1] ?? 0;
  const headBytes = length < LONG_LENGTH ? 2 : 2 + (length - LONG_LENGTH);
  return value[0] === UTF8_STRING ? value.subarray(headBytes).toString('utf8') : undefined;
}
