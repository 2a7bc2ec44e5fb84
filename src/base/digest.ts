import { createHash, hash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import type { Json } from './json.ts';

/** `sha256:` followed by 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function digestBytes(bytes: Uint8Array | string): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
}

/** Digest of the value's RFC 8785 form: equal values have equal digests on every machine. */
export function digestJson(value: Json): Digest {
  return digestBytes(canonicalJson(value));
}

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** The 64 hex digits alone, as in-toto and file names want them. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** Digests a stream of unknown length without holding it. */
export class DigestStream {
  readonly #hash = createHash('sha256');
  sizeBytes = 0;

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.sizeBytes += chunk.byteLength;
  }

  /** Ends the stream: may be called once. */
  digest(): Digest {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}
