import type { Digest } from '../base/digest.ts';
import type { HeldLease, LeaseClient } from '../protocol/lease.ts';
import type { SecretScan } from './secret-scan.ts';

/** Reads content from its beginning: called again where it must be sent again. */
type OpenContent = () => AsyncIterable<Uint8Array>;

/** The conductor's store of content, as one attempt may use it. */
export interface BlobStore {
  /** `path` is for messages. Throws SECRET_IN_ARTIFACT. */
  put(open: OpenContent, path: string): Promise<{ readonly digest: Digest; readonly sizeBytes: number }>;
  get(digest: Digest): Promise<AsyncIterable<Uint8Array>>;
}

/** @param signal of the attempt: one that is stopped sends and reads nothing more */
export function blobStoreOf(
  client: LeaseClient,
  workerId: number,
  held: HeldLease,
  scan: SecretScan,
  signal: AbortSignal,
): BlobStore {
  return {
    put: (open, path) => client.putBlob(workerId, held, watched(scan, path, open), signal),
    get: (digest) => client.getBlob(workerId, held, digest, signal),
  };
}

/** Opened when the first byte is asked for, lest a call that never got that far leaves a file open. */
function watched(scan: SecretScan, path: string, open: OpenContent): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      yield* scan.watch(path, open());
    },
  };
}
