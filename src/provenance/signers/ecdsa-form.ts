import { KeyServiceError } from './key-service.ts';

/** Of each number of a P-256 signature. */
const HALF_BYTES = 32;
const SEQUENCE = 0x30;
const INTEGER = 0x02;

/** `r || s`, as JSON Web Algorithms have it (RFC 7518 section 3.4), in DER, as X9.62 and cosign do. */
export function derOfHalves(signature: Uint8Array): Uint8Array {
  if (signature.byteLength !== 2 * HALF_BYTES)
    throw new KeyServiceError(`it answered a signature of ${signature.byteLength} bytes, not of ${2 * HALF_BYTES}`);
  const bytes = Buffer.from(signature);
  const body = Buffer.concat([integer(bytes.subarray(0, HALF_BYTES)), integer(bytes.subarray(HALF_BYTES))]);
  return Buffer.concat([Buffer.of(SEQUENCE, body.byteLength), body]);
}

/** Shortest form: no zeros in front but the one that keeps the number positive. */
function integer(half: Buffer): Buffer {
  const first = half.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.of(0) : half.subarray(first);
  const positive = (digits[0] as number) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits;
  return Buffer.concat([Buffer.of(INTEGER, positive.byteLength), positive]);
}
