import { gzipSync } from 'fflate';

/**
 * The same bytes on every machine, and in every thread.
 *
 * The compressor is written in JavaScript: zlib's output differs from one processor to the next.
 */
export function gzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return gzipSync(bytes, { level: 9, mtime: 0 });
}
