import { isDigest } from '../../base/digest.ts';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import type { LeaseClient } from '../../protocol/lease.ts';
import type { Wire } from './wire.ts';

/** Content of gigabytes takes its time: what tries take beyond that counts as waiting. */
const BLOB_MS_MAX = 900_000;
/** A try that sent more than this before it broke off was a costly one. */
const LARGE_BYTES = 4_194_304;
const LARGE_TRIES_MAX = 3;
/** After a costly try: what stands in the way may be gone by then. */
const LARGE_PAUSE_MS = 10_000;

type BlobCalls = Pick<LeaseClient, 'putBlob' | 'getBlob'>;

/** Content, sent and read as it comes. */
export function blobCalls(wire: Wire): BlobCalls {
  return {
    putBlob: async (_worker, { stepId, fence }, content, signal) => {
      const { digest, sizeBytes } = await send(wire, `/steps/${stepId}/artifacts?fence=${fence}`, content, signal);
      if (typeof digest !== 'string' || !isDigest(digest) || typeof sizeBytes !== 'number')
        throw new MaestroError('NETWORK_FAILED', 'expected the digest of what was stored as the answer');
      return { digest, sizeBytes };
    },
    getBlob: async (_worker, { stepId, fence }, digest, signal) => {
      const path = `/steps/${stepId}/artifacts/${digest}?fence=${fence}`;
      const call = { method: 'GET', path, timeoutMs: BLOB_MS_MAX, ...(signal ? { signal } : {}) } as const;
      const answer = await wire.again(() => wire.send(call), signal ? { signal } : {});
      return answer.body ?? new ReadableStream<Uint8Array>({ start: (end) => end.close() });
    },
  };
}

/** Each try reads the content from its beginning. What is stored has its digest for a name, so twice is as good as once. */
async function send(
  wire: Wire,
  path: string,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const given = signal ? { signal } : {};
  let reading: Reading | undefined;
  let largeTries = 0;
  const pauseMsOf = (error: unknown): number | undefined => {
    const { failure, isSpent = false, bytes = 0 } = reading ?? {};
    if (failure !== undefined || isSpent) return undefined;
    // A server that wants fewer calls says so before it reads.
    if (bytes <= LARGE_BYTES || isMaestroError(error, 'RATE_LIMITED')) return 0;
    return ++largeTries < LARGE_TRIES_MAX ? LARGE_PAUSE_MS : undefined;
  };
  try {
    return await wire.again(
      async () => {
        const own = (reading = new Reading(content));
        try {
          return await wire.ask({ path, stream: own.stream(), ...given });
        } finally {
          own.end();
        }
      },
      { pauseMsOf, triesMsMax: BLOB_MS_MAX, ...given },
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
  #isOver = false;
  bytes = 0;
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
          if (this.#isOver) return controller.close();
          this.#isBegun = true;
          const { done, value } = await this.#next();
          if (done) controller.close();
          else {
            this.bytes += value.byteLength;
            controller.enqueue(value);
          }
        },
        cancel: () => this.end(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Nobody waits for the rest. `fetch` reads on to the end, however long, where the call has failed. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isBegun) this.#content.return?.().catch(() => {});
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
