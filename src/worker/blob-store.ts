import type { Digest } from '../base/digest.ts';
import type { HeldLease, LeaseClient } from '../protocol/lease.ts';

/** The conductor's store of content, as one attempt may use it. */
export interface BlobStore {
  put(content: AsyncIterable<Uint8Array>): Promise<{ readonly digest: Digest; readonly sizeBytes: number }>;
  get(digest: Digest): Promise<AsyncIterable<Uint8Array>>;
}

export function blobStoreOf(client: LeaseClient, workerId: number, held: HeldLease): BlobStore {
  return {
    put: (content) => client.putBlob(workerId, held, content),
    get: (digest) => client.getBlob(workerId, held, digest),
  };
}
