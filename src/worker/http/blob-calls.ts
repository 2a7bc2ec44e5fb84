import { isDigest } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import type { LeaseClient } from '../../protocol/lease.ts';
import type { Wire } from './wire.ts';

/** Content of gigabytes takes its time. */
const BLOB_MS_MAX = 900_000;

type BlobCalls = Pick<LeaseClient, 'putBlob' | 'getBlob'>;

/** Content, sent and read as it comes. */
export function blobCalls(wire: Wire): BlobCalls {
  return {
    putBlob: async (_worker, { stepId, fence }, content) => {
      const source = new Unread(content);
      const path = `/steps/${stepId}/artifacts?fence=${fence}`;
      const { digest, sizeBytes } = await wire.again(
        () => wire.ask({ path, stream: source.stream() }),
        () => !source.isBegun,
      );
      if (typeof digest !== 'string' || !isDigest(digest) || typeof sizeBytes !== 'number')
        throw new MaestroError('NETWORK_FAILED', 'expected the digest of what was stored as the answer');
      return { digest, sizeBytes };
    },
    getBlob: async (_worker, { stepId, fence }, digest) => {
      const path = `/steps/${stepId}/artifacts/${digest}?fence=${fence}`;
      const answer = await wire.again(() => wire.send({ method: 'GET', path, timeoutMs: BLOB_MS_MAX }));
      return answer.body ?? new ReadableStream<Uint8Array>({ start: (end) => end.close() });
    },
  };
}

/** Content that can be sent once: a try that took nothing of it has cost nothing. */
class Unread {
  readonly #content: AsyncIterator<Uint8Array>;
  isBegun = false;

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#content = content[Symbol.asyncIterator]();
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          this.isBegun = true;
          const { done, value } = await this.#content.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: async (reason) => {
          if (this.isBegun) await this.#content.return?.(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }
}
