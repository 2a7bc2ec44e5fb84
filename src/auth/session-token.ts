import { createHash } from 'node:crypto';

const TOKEN_BYTES = 32;
const TOKEN = /^mws_[A-Za-z0-9_-]{43}$/;

export interface SessionToken {
  /** Goes to the worker and is never stored. */
  readonly token: string;
  readonly hash: Uint8Array;
}

export function newSessionToken(randomBytes: (size: number) => Uint8Array): SessionToken {
  const token = `mws_${Buffer.from(randomBytes(TOKEN_BYTES)).toString('base64url')}`;
  return { token, hash: sha256(token) };
}

/**
 * What a token is stored and looked up under; undefined for what cannot be one. Comparing digests needs no constant time:
 * nobody can steer a digest byte by byte.
 */
export function sessionTokenHash(token: string): Uint8Array | undefined {
  return TOKEN.test(token) ? sha256(token) : undefined;
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
