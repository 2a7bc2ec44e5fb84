import type { Json, JsonObject } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import { BUNDLE_MEDIA_TYPE, PAYLOAD_TYPE, preAuthEncoding } from './envelope.ts';
import { isSignedBy, type PublicKey } from './public-key.ts';
import { PAYLOAD_BYTES_MAX } from './receipt.ts';
import { parseCanonicalJson } from './strict-json.ts';
import { demand } from './verification-error.ts';

/** Base64 of the largest payload, and room for the rest. */
export const BUNDLE_BYTES_MAX = Math.ceil(PAYLOAD_BYTES_MAX / 3) * 4 + 65_536;

export interface OpenedEnvelope {
  /** The signed bytes. */
  readonly payload: Buffer;
  readonly keyHint: string;
}

/**
 * Checks the bundle's form and its signature, and only then hands out the payload.
 *
 * Stricter than sigstore's own clients, which skip unknown fields and odd base64: one receipt has one form.
 * @param findKey the trusted key of that hint; refuses by throwing
 */
export function openEnvelope(bundleBytes: Uint8Array, findKey: (hint: string) => PublicKey): OpenedEnvelope {
  const bundle = objectOf(parseCanonicalJson(bundleBytes, BUNDLE_BYTES_MAX), 'bundle', [
    'mediaType',
    'verificationMaterial',
    'dsseEnvelope',
  ]);
  demand(
    bundle.mediaType === BUNDLE_MEDIA_TYPE,
    'ENVELOPE_MALFORMED',
    `expected a bundle of type ${BUNDLE_MEDIA_TYPE}`,
  );
  const keyHint = keyHintOf(bundle.verificationMaterial);
  const key = findKey(keyHint);
  const envelope = objectOf(bundle.dsseEnvelope, 'dsseEnvelope', ['payload', 'payloadType', 'signatures']);
  demand(envelope.payloadType === PAYLOAD_TYPE, 'PAYLOAD_TYPE_WRONG', `expected a payload of type ${PAYLOAD_TYPE}`);
  const signature = signatureOf(envelope.signatures);
  const payload = decodeBase64(envelope.payload, 'payload');
  demand(
    payload.byteLength <= PAYLOAD_BYTES_MAX,
    'TOO_LARGE',
    `expected a payload of at most ${PAYLOAD_BYTES_MAX} bytes`,
  );
  demand(
    isSignedBy(key, preAuthEncoding(PAYLOAD_TYPE, payload), signature),
    'SIGNATURE_INVALID',
    'the signature does not fit payload and key: the receipt was changed, or another key signed it',
  );
  return { payload, keyHint };
}

function keyHintOf(material: Json | undefined): string {
  demand(isJsonObject(material), 'ENVELOPE_MALFORMED', 'expected verificationMaterial to be an object');
  const hasCertificate = 'certificate' in material || 'x509CertificateChain' in material;
  demand(!hasCertificate, 'CERTIFICATE_UNEXPECTED', 'expected a bundle signed by a key, got one with a certificate');
  const { publicKey } = objectOf(material, 'verificationMaterial', ['publicKey']);
  const { hint } = objectOf(publicKey, 'publicKey', ['hint']);
  demand(typeof hint === 'string', 'ENVELOPE_MALFORMED', 'expected publicKey.hint to be text');
  return hint;
}

export function signatureOf(signatures: Json | undefined): Buffer {
  demand(Array.isArray(signatures), 'ENVELOPE_MALFORMED', 'expected signatures to be a list');
  demand(signatures.length === 1, 'SIGNATURE_COUNT', () => `expected exactly one signature, got ${signatures.length}`);
  return decodeBase64(objectOf(signatures[0] as Json, 'signature', ['sig']).sig, 'signature');
}

/** An object with exactly these keys. */
export function objectOf(value: Json | undefined, what: string, keys: readonly string[]): JsonObject {
  demand(isJsonObject(value), 'ENVELOPE_MALFORMED', `expected ${what} to be an object`);
  const found = Object.keys(value);
  const isExact = found.length === keys.length && keys.every((key) => Object.hasOwn(value, key));
  demand(isExact, 'ENVELOPE_MALFORMED', () => `expected ${what} to have exactly the fields ${keys.join(', ')}`);
  return value;
}

/** Standard alphabet, padded, no stray bits: `Buffer` alone would skip what it does not know. */
export function decodeBase64(value: Json | undefined, what: string): Buffer {
  demand(typeof value === 'string', 'ENVELOPE_MALFORMED', `expected the ${what} to be base64 text`);
  const bytes = Buffer.from(value, 'base64');
  demand(bytes.toString('base64') === value && value !== '', 'BASE64_INVALID', `expected the ${what} in strict base64`);
  return bytes;
}
