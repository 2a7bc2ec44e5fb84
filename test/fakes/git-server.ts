import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** One repository over git's smart HTTP on loopback, real git behind it; it keeps what the callers sent as login. */
export class GitServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'maestro-git-'));
  readonly logins: (string | undefined)[] = [];
  /** Requests that are answered with 503 before any other. */
  failuresLeft = 0;
  readonly #server = createServer((request, response) => this.#answer(request, response));

  async open(): Promise<string> {
    this.#git('init', '--quiet', '--initial-branch=main');
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers the commit's SHA. */
  commit(files: Readonly<Record<string, string>>): string {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), text);
    }
    this.#git('add', '--all');
    this.#git('-c', 'user.name=t', '-c', 'user.email=t@t', 'commit', '--quiet', '--allow-empty', '-m', 'change');
    return this.#git('rev-parse', 'HEAD').trim();
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #git(...words: string[]): string {
    return execFileSync('git', words, { cwd: this.folder, encoding: 'utf8' });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.logins.push(request.headers.authorization);
    if (this.failuresLeft > 0) {
      this.failuresLeft--;
      response.writeHead(503).end();
      return;
    }
    const isAdvertisement = request.method === 'GET';
    const kind = isAdvertisement ? 'advertisement' : 'result';
    response.writeHead(200, { 'content-type': `application/x-git-upload-pack-${kind}` });
    if (isAdvertisement) response.write('001e# service=git-upload-pack\n0000');
    const words = [
      'upload-pack',
      '--stateless-rpc',
      ...(isAdvertisement ? ['--http-backend-info-refs'] : []),
      this.folder,
    ];
    const version = request.headers['git-protocol'];
    const program = spawn('git', words, { env: { PATH: process.env.PATH, GIT_PROTOCOL: version?.toString() } });
    request.pipe(program.stdin);
    program.stdout.pipe(response);
  }
}
