import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { ERROR_CODES, type ErrorCode } from '../src/base/error-codes.ts';
import { MaestroError } from '../src/base/errors.ts';

/** The process at the other end ended, or is about to: the state is free soon. */
export class HandedOver extends Error {
  /** Whether the call may have been heard before. */
  readonly isHeard: boolean;

  constructor(isHeard: boolean, cause?: unknown) {
    super('the process that held the state has ended', { cause });
    this.isHeard = isHeard;
  }
}

/** Asks for one value. Throws what the call throws there, and HandedOver. */
export async function ask<T>(socketPath: string, method: string, words: readonly unknown[]): Promise<T> {
  for await (const value of askMany<T>(socketPath, method, words)) return value;
  throw new HandedOver(true);
}

/** Asks for values one by one; the signal ends it without an error. */
export async function* askMany<T>(
  socketPath: string,
  method: string,
  words: readonly unknown[],
  signal?: AbortSignal,
): AsyncIterable<T> {
  const response = await send(socketPath, method, words);
  const stop = (): void => void response.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
      const document = read(line);
      if (document.end) return;
      yield document.value as T;
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw isConnectionError(error) ? new HandedOver(true, error) : error;
  } finally {
    signal?.removeEventListener('abort', stop);
    response.destroy();
  }
  if (!signal?.aborted) throw new HandedOver(true);
}

/** One line of an answer. */
function read(line: string): { readonly value?: unknown; readonly end?: true } {
  const document = JSON.parse(line) as { value?: unknown; end?: true; handedOver?: true; error?: RemoteError };
  if (document.error) throw thrown(document.error);
  if (document.handedOver) throw new HandedOver(true);
  return document;
}

interface RemoteError {
  readonly code: string;
  readonly message: string;
}

function send(socketPath: string, method: string, words: readonly unknown[]): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: `/${method}`, method: 'POST', agent: false });
    call.once('response', resolve);
    call.once('error', (error: NodeJS.ErrnoException) => {
      // Nobody listens, so nobody heard.
      reject(new HandedOver(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT', error));
    });
    call.end(JSON.stringify(words));
  });
}

function isConnectionError(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return (
    error instanceof SyntaxError || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE'
  );
}

function thrown({ code, message }: RemoteError): Error {
  return code in ERROR_CODES && code !== 'INTERNAL' ? new MaestroError(code as ErrorCode, message) : new Error(message);
}
