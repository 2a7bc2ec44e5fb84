import { createECDH, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { derOfHalves } from '../../src/provenance/signers/ecdsa-form.ts';

/** Order of P-256 (FIPS 186-5). */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export function newKey(namedCurve: string): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey;
}

export function publicHalf(key: KeyObject): KeyObject {
  return createPublicKey(key);
}

/**
 * ECDSA over what was hashed already, as key services offer it and `node:crypto` does not: it hashes whatever it signs. The
 * point k·G comes from its Diffie-Hellman.
 */
export function signDigest(key: KeyObject, digest: Buffer, form: 'der' | 'halves'): Buffer {
  const d = numberOf(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));
  const k = (numberOf(randomBytes(40)) % (N - 1n)) + 1n;
  const point = createECDH('prime256v1');
  point.setPrivateKey(bytesOf(k));
  const r = numberOf(point.getPublicKey().subarray(1, 33)) % N;
  const s = (power(k, N - 2n) * ((numberOf(digest) + r * d) % N)) % N;
  const halves = Buffer.concat([bytesOf(r), bytesOf(s)]);
  return form === 'halves' ? halves : Buffer.from(derOfHalves(halves));
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base % N];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % N;
    square = (square * square) % N;
  }
  return result;
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function bytesOf(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
}
