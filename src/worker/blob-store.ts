import type { Digest } from '../base/digest.ts';
import type { HeldLease, LeaseClient } from '../protocol/lease.ts';
import type { SecretScan } from './secret-scan.ts';

/** The conductor's store of content, as one attempt may use it. */
export interface BlobStore {
  /** `path` is for messages. Throws SECRET_IN_ARTIFACT. */
  put(
    content: AsyncIterable<Uint8Array>,
    path: string,
  ): Promise<{ readonly digest: Digest; readonly sizeBytes: number }>;
  get(digest: Digest): Promise<AsyncIterable<Uint8Array>>;
}

export function blobStoreOf(client: LeaseClient, workerId: number, held: HeldLease, scan: SecretScan): BlobStore {
  return {
    put: (content, path) => client.putBlob(workerId, held, scan.watch(path, content)),
    get: (digest) => client.getBlob(workerId, held, digest),
  };
}
