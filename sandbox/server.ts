import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Actions } from './actions/actions.ts';
import type { OidcIssuer } from './actions/oidc.ts';
import type { Api } from './api.ts';
import { ApiError } from './api-error.ts';
import { serveControl } from './control.ts';
import { serveDownload } from './downloads.ts';
import { serveGitDoor } from './git-door.ts';
import { servePage } from './page/serve-page.ts';
import type { World } from './world.ts';

export interface ServerParts {
  readonly world: World;
  readonly api: Api;
  readonly actions: Actions;
  readonly oidc: OidcIssuer;
}

/** Listens on loopback. Requests that come before `use` wait for nobody: there are none, as nobody knows the port. */
export async function listen(port: number): Promise<{
  readonly origin: string;
  readonly use: (parts: ServerParts) => void;
  readonly close: () => Promise<void>;
}> {
  let parts: ServerParts | null = null;
  const server = createServer((request, response) => {
    if (parts === null) {
      response.writeHead(503).end();
      return;
    }
    answer(parts, request, response).catch((error: unknown) => fail(response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${actual}`,
    use: (given) => {
      parts = given;
    },
    close: async () => await closeServer(server),
  };
}

async function answer(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { world, api } = parts;
  const url = new URL(request.url ?? '/', world.origin);
  const path = url.pathname;
  if (path.startsWith('/api/v3/'))
    return await api.serve(request, response, path.slice('/api/v3'.length), url.searchParams);
  if (path.startsWith('/api/uploads/')) {
    return await api.serve(request, response, path.slice('/api/uploads'.length), url.searchParams);
  }
  if (path.startsWith('/_services/token')) return await serveTokens(parts, request, response, url);
  if (path.startsWith('/_sandbox/') && (await serveControl(world, request, response, path))) return;
  if (await serveGitDoor(world, api, request, response, url)) return;
  if (await serveDownload(world, request, response, path)) return;
  const file = request.method === 'GET' ? servePage(path) : null;
  if (file === null) response.writeHead(404).end();
  else response.writeHead(200, file.headers).end(file.body);
}

async function serveTokens(
  { oidc, actions }: ServerParts,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const path = url.pathname.slice('/_services/token'.length);
  const job = /^\/jobs\/(\d+)\/idtoken$/.exec(path)?.[1];
  try {
    if (path === '/.well-known/openid-configuration') send(response, oidc.discovery());
    else if (path === '/.well-known/jwks') send(response, await oidc.keys());
    else if (job !== undefined) {
      const [, bearer = ''] = (request.headers.authorization ?? '').split(' ');
      const value = await actions.idToken(bearer, Number(job), url.searchParams.get('audience'));
      send(response, { count: value.length, value });
    } else response.writeHead(404).end();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    response
      .writeHead(error.status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ message: error.message }));
  }
}

function send(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(500).end(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
