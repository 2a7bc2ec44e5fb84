import type { ServerResponse } from 'node:http';
import type { HttpListener } from '../../src/api/http-server.ts';

/**
 * Answers `GET /healthz` (the process lives) and `GET /readyz` (it can work, or 503 and why not), as the API does, and
 * nothing else: for a process that has no other door, but is watched all the same.
 */
export function healthDoor(troubles: () => Promise<readonly string[]>): HttpListener {
  return async (request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const path = request.url?.split('?', 1)[0];
    if (isRead && path === '/healthz') return tell(response, 200, 'ok');
    if (!isRead || path !== '/readyz') return tell(response, 404, 'this process answers /healthz and /readyz alone');
    const found = await troubles();
    return found.length === 0 ? tell(response, 200, 'ok') : tell(response, 503, `not ready: ${found.join(', ')}`);
  };
}

function tell(response: ServerResponse, httpStatus: number, status: string): void {
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    // Whoever sends a body nobody reads.
    ...(httpStatus === 404 ? { connection: 'close' } : {}),
  };
  response.writeHead(httpStatus, headers).end(JSON.stringify({ status }));
}
