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

/** A server with the time-outs that callers on the open Internet need. */
export function createHttpServer(listener: HttpListener): Server {
  const options = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    maxHeaderSize: HEADERS_BYTES_MAX,
  };
  return createServer(options, (incoming, outgoing) => void listener(incoming, outgoing));
}
