import { Worker } from 'node:worker_threads';
import { MaestroError, messageOf } from '../../base/errors.ts';
import { gzip } from './gzip.ts';

/** What is done sooner than a thread has started. */
const IN_PLACE_BYTES_MAX = 65_536;
/** Of JavaScript. What is compressed lies outside of it, twice at most, and whoever asks bounds that. */
const HEAP_MB_MAX = 128;
/** Two hundred times what the largest pack takes that holds nothing but logs. */
const COMPRESS_MS_MAX = 120_000;

/** Resolves when the thread before has ended. */
let before: Promise<unknown> = Promise.resolve();

/**
 * Compresses as `gzip` does, to the same bytes, in a thread of its own: megabytes take a second, in which this process would answer
 * nobody. One at a time, so that many who ask at once cost no more memory than one.
 * @throws MaestroError INTERNAL where the thread ends without an answer
 */
export function compress(bytes: Uint8Array, msMax = COMPRESS_MS_MAX): Promise<Uint8Array> {
  if (bytes.byteLength <= IN_PLACE_BYTES_MAX) return Promise.resolve(gzip(bytes));
  const own = before.then(() => inThread(bytes, msMax));
  before = own.catch(() => {});
  return own;
}

async function inThread(bytes: Uint8Array, msMax: number): Promise<Uint8Array> {
  const worker = new Worker(new URL('./compress-thread.ts', import.meta.url), {
    workerData: bytes,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      const fail = (why: string, cause?: unknown): void =>
        reject(new MaestroError('INTERNAL', `expected the pack to be compressed: ${why}`, { cause }));
      timer = setTimeout(() => fail(`it is not after ${msMax} ms`), msMax);
      worker.once('message', resolve);
      worker.once('error', (cause) => fail(messageOf(cause), cause));
      worker.once('exit', () => fail('its thread ended without an answer'));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
