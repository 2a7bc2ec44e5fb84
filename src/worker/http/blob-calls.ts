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
      const { digest, sizeBytes } = await send(wire, `/steps/${stepId}/artifacts?fence=${fence}`, content);
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

/** Each try reads the content from its beginning. What is stored has its digest for a name, so twice is as good as once. */
async function send(
  wire: Wire,
  path: string,
  content: AsyncIterable<Uint8Array>,
): Promise<Readonly<Record<string, unknown>>> {
  let reading: Reading | undefined;
  try {
    return await wire.again(
      () => {
        reading = new Reading(content);
        return wire.ask({ path, stream: reading.stream() });
      },
      () => reading?.failure === undefined && reading?.isSpent !== true,
    );
  } catch (error) {
    // A file that cannot be read, or holds a secret, is no trouble of the network.
    throw reading?.failure ?? error;
  }
}

/** One pass over content. */
class Reading {
  readonly #content: AsyncIterator<Uint8Array>;
  /** What is its own iterator can be read once. */
  readonly #isOnce: boolean;
  #isBegun = false;
  failure: unknown;

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#content = content[Symbol.asyncIterator]();
    this.#isOnce = (this.#content as unknown) === content;
  }

  /** Whether another try would miss what this one took. */
  get isSpent(): boolean {
    return this.#isOnce && this.#isBegun;
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          this.#isBegun = true;
          const { done, value } = await this.#next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: async (reason) => {
          if (this.#isBegun) await this.#content.return?.(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#content.next();
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
