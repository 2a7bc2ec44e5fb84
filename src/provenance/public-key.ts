import { createPublicKey, hash, type KeyObject } from 'node:crypto';

/** The only curve that every receipt verifier takes, P-256 by its name in OpenSSL. */
export const CURVE = 'prime256v1';

export interface PublicKey {
  readonly key: KeyObject;
  readonly pem: string;
  /** Base64 of the SHA-256 over the SPKI DER. */
  readonly hint: string;
}

/** Undefined where the PEM is no P-256 public key. A private key is refused too: verifiers must never be handed one. */
export function readPublicKey(pem: string): PublicKey | undefined {
  if (!pem.includes('-----BEGIN PUBLIC KEY-----')) return undefined;
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
