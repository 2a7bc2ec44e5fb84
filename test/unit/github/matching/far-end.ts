import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProbotOctokit } from 'probot';
import type { GitHubAccess, Octokit } from '../../../../src/github/octokit.ts';

/** Files by path; bytes where they are no text. */
export type Commit = Readonly<Record<string, string | Uint8Array>>;

interface Entry {
  readonly path: string;
  readonly mode: string;
  readonly type: 'blob' | 'tree';
  readonly sha: string;
  readonly size?: number;
}

/** GitHub over real HTTP, as far as starting needs it: git objects of commits that a test makes up, and canned answers. */
export class FarEnd {
  /** Files of each commit. */
  readonly commits = new Map<string, Commit>();
  /** Answers by `METHOD /path`, the query left out. */
  readonly answers = new Map<string, unknown>();
  readonly calls: string[] = [];
  readonly #trees = new Map<string, readonly Entry[]>();
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #server = createServer((request, response) => this.#answer(request, response));

  async open(): Promise<GitHubAccess> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const octokit = this.#client();
    return { app: octokit, installation: async () => octokit };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  reset(): void {
    this.commits.clear();
    this.answers.clear();
    this.calls.length = 0;
  }

  #client(): Octokit {
    return new ProbotOctokit({
      baseUrl: this.origin,
      auth: { token: 'x' },
      throttle: { enabled: false },
      retry: { enabled: false },
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '', this.origin);
    const call = `${request.method} ${decodeURIComponent(pathname)}`;
    this.calls.push(call);
    const answer = this.answers.get(`${request.method} ${request.url}`) ?? this.answers.get(call) ?? this.#object(call);
    const { link, ...rest } = (answer ?? {}) as { link?: string };
    const body = link === undefined ? answer : (rest as { body?: unknown }).body;
    response.writeHead(answer === undefined ? 404 : 200, {
      'content-type': 'application/json',
      ...(link !== undefined && { link }),
    });
    response.end(JSON.stringify(body ?? { message: 'Not Found' }));
  }

  #object(call: string): unknown {
    const [, kind, sha = ''] = /git\/(trees|blobs)\/(\w+)$/.exec(call) ?? [];
    if (kind === 'blobs') return this.#blob(sha);
    const commit = this.commits.get(sha);
    const tree = commit ? this.#plant(commit) : this.#trees.get(sha);
    return kind === 'trees' && tree ? { sha, truncated: false, tree } : undefined;
  }

  #blob(sha: string): unknown {
    const bytes = this.#blobs.get(sha);
    return bytes && { sha, encoding: 'base64', size: bytes.byteLength, content: Buffer.from(bytes).toString('base64') };
  }

  #plant(commit: Commit): readonly Entry[] {
    const folders = new Map<string, Record<string, string | Uint8Array>>();
    const entries: Entry[] = [];
    for (const [path, content] of Object.entries(commit)) {
      const [first = '', ...rest] = path.split('/');
      if (rest.length === 0) entries.push(this.#file(first, content));
      else folders.set(first, { ...folders.get(first), [rest.join('/')]: content });
    }
    for (const [path, files] of folders) {
      const tree = this.#plant(files);
      const sha = hashOf(JSON.stringify(tree));
      this.#trees.set(sha, tree);
      entries.push({ path, mode: '040000', type: 'tree', sha });
    }
    return entries;
  }

  #file(path: string, content: string | Uint8Array): Entry {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const sha = hashOf(bytes);
    this.#blobs.set(sha, bytes);
    return { path, mode: '100644', type: 'blob', sha, size: bytes.byteLength };
  }
}

function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha1').update(bytes).digest('hex');
}
