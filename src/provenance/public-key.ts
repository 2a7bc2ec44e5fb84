import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';

/** The only curve that every receipt verifier takes, P-256 by its name in OpenSSL. */
export const CURVE = 'prime256v1';

export interface PublicKey {
  readonly key: KeyObject;
  readonly pem: string;
  /** Base64 of the SHA-256 over the SPKI DER. */
  readonly hint: string;
}

/** One block and nothing beside it: what stands before or after a key could be taken for another one. */
const PEM = /^\s*-----BEGIN PUBLIC KEY-----\r?\n(?:[A-Za-z0-9+/=]+\r?\n)+-----END PUBLIC KEY-----\s*$/;
const PEM_LENGTH_MAX = 4096;

/** Undefined where the text is not the PEM of exactly one P-256 public key: verifiers must never be handed a private one. */
export function readPublicKey(pem: string): PublicKey | undefined {
  if (pem.length > PEM_LENGTH_MAX || !PEM.test(pem)) return undefined;
  try {
    return toPublicKey(createPublicKey(pem));
  } catch {
    return undefined;
  }
}

export function toPublicKey(key: KeyObject): PublicKey | undefined {
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== CURVE) return undefined;
  const hint = hash('sha256', key.export({ type: 'spki', format: 'der' }), 'base64');
  return { key, pem: key.export({ type: 'spki', format: 'pem' }) as string, hint };
}

/** Whether the key has signed exactly these bytes: ECDSA over SHA-256, in strict DER. */
export function isSignedBy({ key }: PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', bytes, key, signature);
}
