import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BusyRegistry {
  readonly url: string;
  readonly answers: readonly number[];
  close(): void;
}

/**
 * A package registry on loopback that is overloaded at first: 503 to the first request, then 404, because the version
 * that is asked for was never published.
 */
export async function openBusyRegistry(): Promise<BusyRegistry> {
  const answers: number[] = [];
  const server = createServer((request, response) => {
    request.resume();
    const status = answers.length === 0 ? 503 : 404;
    answers.push(status);
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    answers,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
