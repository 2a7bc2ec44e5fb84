import type { IncomingMessage } from 'node:http';

export interface BodyLimits {
  readonly bytesMax: number;
  /** Of all bodies together: nobody has shown who they are before their body is whole. */
  readonly heldBytesMax: number;
  /** By then a body must be whole. */
  readonly msMax: number;
}

/** What became of a body. `release` where it is no longer needed. */
export type BodyRead =
  | { readonly type: 'whole'; readonly text: string; readonly release: () => void }
  | { readonly type: 'too-large' }
  | { readonly type: 'no-room' }
  | { readonly type: 'gone' };

/** Reads bodies of strangers, so that all of them together take no more memory and time than the limits say. */
export function openBodyReader({
  bytesMax,
  heldBytesMax,
  msMax,
}: BodyLimits): (request: IncomingMessage) => Promise<BodyRead> {
  let heldBytes = 0;
  return async (request) => {
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) return { type: 'too-large' };
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const release = (): void => {
      heldBytes -= sizeBytes;
      sizeBytes = 0;
    };
    const limit = setTimeout(() => request.destroy(), msMax);
    let isWhole = false;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        sizeBytes += chunk.byteLength;
        heldBytes += chunk.byteLength;
        if (sizeBytes > bytesMax) return { type: 'too-large' };
        if (heldBytes > heldBytesMax) return { type: 'no-room' };
        chunks.push(chunk);
      }
      isWhole = true;
      return { type: 'whole', text: Buffer.concat(chunks).toString('utf8'), release };
    } catch {
      return { type: 'gone' };
    } finally {
      clearTimeout(limit);
      if (!isWhole) release();
    }
  };
}
