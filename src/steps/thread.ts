import { Worker } from 'node:worker_threads';
import { MaestroError, messageOf } from '../base/errors.ts';
import type { Json } from '../base/json.ts';

const MEMORY_MB = 256;
const STACK_MB = 4;

export interface ThreadRequest {
  /** A module that answers `workerData` with one `postMessage({ value })` or `postMessage({ problem })`. */
  readonly module: URL;
  readonly data: Json;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What a thread's module posts: the answer, or what is wrong with the pipeline's text. */
export type ThreadAnswer = { readonly value: Json } | { readonly problem: string };

/**
 * Computes in a thread of its own, which is ended when it takes too long or too much memory: text from a pipeline may
 * loop for ever, and the worker must not.
 *
 * @throws MaestroError INPUT_INVALID for a computation that is too large or wrong, STEP_TIMED_OUT for one too long
 */
export async function computeInThread({ module, data, timeoutMs, signal }: ThreadRequest): Promise<Json> {
  signal.throwIfAborted();
  const thread = new Worker(module, {
    workerData: data,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB, stackSizeMb: STACK_MB },
  });
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => {};
  try {
    const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      timer = setTimeout(
        () => reject(new MaestroError('STEP_TIMED_OUT', `expected an answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
      thread.once('message', resolve);
      thread.once('error', (cause) =>
        reject(new MaestroError('INPUT_INVALID', `the computation failed: ${messageOf(cause)}`, { cause })),
      );
      thread.once('exit', () => reject(new MaestroError('INPUT_INVALID', 'the computation ended without an answer')));
    });
    if ('problem' in answer) throw new MaestroError('INPUT_INVALID', answer.problem);
    return answer.value;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    await thread.terminate();
  }
}
