import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.ts';
import type { Operation } from './openapi.ts';

/** What the sandbox holds in memory. GitHub takes more, but only as release assets. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** GitHub's own, 2 GB. */
const ASSET_BYTES_MAX = 2 * 1024 * 1024 * 1024;

/** What was not read cannot be followed by another request. */
const UNREAD = { connection: 'close' };

/** A body that says itself that it is too large is refused before a byte of it is read. */
export async function readBody(request: IncomingMessage, operation: Operation | null): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (operation?.id === 'repos/upload-release-asset' && announced >= ASSET_BYTES_MAX) {
    const message = `size must be less than ${ASSET_BYTES_MAX}`;
    const errors = [{ resource: 'ReleaseAsset', code: 'custom', field: 'size', message }];
    throw new ApiError(422, 'Validation Failed', { headers: UNREAD, errors });
  }
  if (announced > BODY_BYTES_MAX) throw new ApiError(413, 'Payload too large', { headers: UNREAD });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) throw new ApiError(413, 'Payload too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new ApiError(400, 'Problems parsing JSON');
  }
}
