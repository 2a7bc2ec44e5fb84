import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpServer, type HttpListener } from '../../src/api/http-server.ts';
import { MaestroError } from '../../src/base/errors.ts';
import { WEBHOOK_PATH } from './webhook-door.ts';

export interface Listening {
  readonly port: number;
  /** Takes no more connections; those that are still open after `graceMs` are cut. */
  close(graceMs: number): Promise<void>;
}

/** Webhooks to one door, everything else to the other. */
export async function listen(
  { host, port }: { readonly host: string; readonly port: number },
  doors: { readonly webhooks: HttpListener; readonly api: HttpListener },
  onError: (error: unknown) => void,
): Promise<Listening> {
  // Not read as a URL: anybody can ask for one that is none.
  const server = createHttpServer(
    (request, response) =>
      request.url?.split('?', 1)[0] === WEBHOOK_PATH ? doors.webhooks(request, response) : doors.api(request, response),
    onError,
  );
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code = 'an error' } = cause as NodeJS.ErrnoException;
    throw new MaestroError(
      'CONFIG_INVALID',
      `expected HOST and PORT to be free to listen on, got ${code} for ${host}:${port}`,
      { cause },
    );
  }
  return { port: (server.address() as AddressInfo).port, close: (graceMs) => close(server, graceMs) };
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
}
