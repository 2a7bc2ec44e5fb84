import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { HttpApi } from './http-api.ts';

/** Longer than any load balancer keeps an idle connection: it must be the one that closes. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_MS_MAX = 20_000;
/** A whole request, blobs included; bodies of JSON have a limit of their own. */
const REQUEST_MS_MAX = 900_000;
const HEADERS_BYTES_MAX = 32_768;

export type HttpListener = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<unknown>;

/** What `node:http` takes: for a server that answers more than this. */
export function requestListenerOf(api: HttpApi): HttpListener {
  return getRequestListener(api.fetch, { overrideGlobalObjects: false });
}

/**
 * A server with the time-outs that callers on the open Internet need. Where the listener fails the caller is cut off: an
 * error that nobody takes would end the process, and all that it holds.
 */
export function createHttpServer(listener: HttpListener, onError: (error: unknown) => void): Server {
  const options = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    maxHeaderSize: HEADERS_BYTES_MAX,
  };
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    try {
      await listener(incoming, outgoing);
    } catch (error) {
      outgoing.destroy();
      onError(error);
    }
  };
  return createServer(options, (incoming, outgoing) => void answer(incoming, outgoing));
}
