import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGunzip } from 'node:zlib';
import { isolatedGitEnvironment } from './git-environment.ts';

export interface GitRequest {
  /** Folder that holds the bare repositories. */
  readonly root: string;
  /** Within it: `/OWNER/NAME@ID.git/info/refs` */
  readonly path: string;
  readonly query: string;
  readonly user: string | null;
}

/** Smart HTTP by git's own CGI program. Resolves when the answer is complete, so that its effects can be looked at. */
export async function serveGit(
  request: IncomingMessage,
  response: ServerResponse,
  { root, path, query, user }: GitRequest,
  beforeEnd: () => Promise<void>,
): Promise<void> {
  const child = spawn('git', ['http-backend'], {
    env: {
      ...isolatedGitEnvironment(),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
      ...(user === null ? {} : { REMOTE_USER: user }),
    },
  });
  const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
  child.stdin.on('error', () => undefined); // a refused push ends before its body is read
  body.on('error', () => child.stdin.destroy());
  body.pipe(child.stdin);
  child.stderr.resume();

  let head = Buffer.alloc(0);
  let hasHead = false;
  child.stdout.on('data', (chunk: Buffer) => {
    if (hasHead) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    hasHead = true;
    writeHead(response, head.subarray(0, end).toString());
    response.write(head.subarray(end + 4));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  await beforeEnd();
  if (!hasHead) response.writeHead(500);
  response.end();
}

function writeHead(response: ServerResponse, text: string): void {
  let status = 200;
  for (const line of text.split('\r\n')) {
    const [name = '', ...rest] = line.split(':');
    const value = rest.join(':').trim();
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}
