import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProbotOctokit } from 'probot';
import type { GitHubAccess } from '../../../../src/github/octokit.ts';

export const OUR_APP = 99;

export interface FakePull {
  head: string;
  base: string;
  isFork: boolean;
  author: number;
  pushedAt: string | null;
  state: 'open' | 'closed';
}

/** The calls that commands make, answered over real HTTP from a state that a test sets. */
export class FakeGitHub {
  readonly logins = new Map<number, string>([
    [1, 'ada'],
    [2, 'bo'],
    [3, 'stranger'],
  ]);
  /** By login: `role_name` and `permission`. */
  readonly roles = new Map<string, readonly [string, string]>([
    ['ada', ['write', 'write']],
    ['bo', ['maintain', 'write']],
    ['stranger', ['read', 'read']],
  ]);
  /** `organisation/team` -> logins. */
  readonly teams = new Map<string, readonly string[]>();
  readonly pull: FakePull = {
    head: randomBytes(20).toString('hex'),
    base: 'main',
    isFork: false,
    author: 2,
    pushedAt: '2026-01-01T00:00:00Z',
    state: 'open',
  };
  readonly comments: { body: string; appId: number | null }[] = [];
  readonly reactions: string[] = [];
  readonly writes: string[] = [];
  readonly deletedComments = new Set<number>();
  /** A commit that each branch has. */
  readonly branches = new Map<string, string>();
  commitAuthor = 2;
  /** Of the pull request, oldest first. */
  events: { readonly event: string; readonly created_at: string }[] = [];
  /** Another commit is pushed once somebody asks which pull requests have the head. */
  swapsHead = false;
  /** GitHub lets no App comment or react then. */
  isLocked = false;
  /** Further pull requests of the same head, as far as they differ. */
  readonly twins: { readonly number: number; readonly user: { readonly id: number; readonly login: string } }[] = [];
  /** Answers 500 to so many comments, after (true) or before (false) they are stored. */
  failures: boolean[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  async open(): Promise<GitHubAccess> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as AddressInfo;
    const octokit = new ProbotOctokit({
      baseUrl: `http://127.0.0.1:${port}`,
      throttle: { enabled: false },
    });
    return { app: octokit, installation: async () => octokit };
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '', 'http://localhost');
    if (request.method !== 'GET') this.writes.push(`${request.method} ${url.pathname}`);
    const call = `${request.method} ${decodeURIComponent(url.pathname)}`;
    if (call.endsWith('/issues/7/events')) return this.#list(response, url, this.events);
    const [status, body] = this.#answer(call, text === '' ? {} : JSON.parse(text));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #list(response: ServerResponse, { pathname, searchParams }: URL, items: readonly unknown[]): void {
    const [page, size] = [Number(searchParams.get('page')), Number(searchParams.get('per_page'))];
    const last = Math.max(1, Math.ceil(items.length / size));
    const link = page < last ? { link: `<http://x${pathname}?per_page=${size}&page=${last}>; rel="last"` } : {};
    response.writeHead(200, { 'content-type': 'application/json', ...link });
    response.end(JSON.stringify(items.slice((page - 1) * size, page * size)));
  }

  #answer(call: string, body: { body?: string; content?: string }): readonly [number, unknown] {
    if (this.isLocked && /^POST .*\/(?:comments|reactions)$/.test(call))
      return [403, { message: 'Unable to create comment because issue is locked.' }];
    const person = this.#person(call);
    if (person !== undefined) return person;
    const reacted = /^POST \/repos\/acme\/shop\/(?:issues|pulls)\/comments\/(\d+)\/reactions$/.exec(call)?.[1];
    if (reacted !== undefined) {
      if (this.deletedComments.has(Number(reacted))) return [404, { message: 'Not Found' }];
      this.reactions.push(`${reacted} ${body.content}`);
      return [200, { id: 1, content: body.content }];
    }
    if (call.endsWith('/issues/7/comments')) return this.#comments(call, body.body ?? '');
    return this.#code(call);
  }

  #person(call: string): readonly [number, unknown] | undefined {
    const login = /^GET \/repos\/acme\/shop\/collaborators\/(.+)\/permission$/.exec(call)?.[1];
    if (login !== undefined) return this.#permission(login);
    const team = /^GET \/orgs\/(acme)\/teams\/(.+)\/memberships\/(.+)$/.exec(call);
    if (team) return this.#membership(`${team[1]}/${team[2]}`, team[3] ?? '');
    const account = /^GET \/user\/(\d+)$/.exec(call)?.[1];
    return account === undefined ? undefined : this.#user(Number(account));
  }

  #code(call: string): readonly [number, unknown] {
    const compared = /^GET \/repos\/acme\/shop\/compare\/([0-9a-f]{40})\.\.\.(.+)$/.exec(call);
    if (compared) return [200, { status: this.branches.get(compared[2] ?? '') === compared[1] ? 'ahead' : 'diverged' }];
    const number = /^GET \/repos\/acme\/shop\/pulls\/(\d+)$/.exec(call)?.[1];
    const pull = this.#pullBodies().find((one) => one.number === Number(number));
    if (pull) return [200, pull];
    if (/^GET \/repos\/acme\/shop\/commits\/[0-9a-f]{40}\/pulls$/.test(call)) {
      const bodies = this.#pullBodies();
      if (this.swapsHead) this.pull.head = randomBytes(20).toString('hex');
      return [200, bodies];
    }
    if (call.startsWith('GET /repos/acme/shop/commits/'))
      return [200, { sha: this.pull.head, author: { id: this.commitAuthor }, committer: { id: 19_864_447 } }];
    return [404, { message: `no fake for ${call}` }];
  }

  #comments(call: string, text: string): readonly [number, unknown] {
    if (call.startsWith('POST ')) return this.#comment(text);
    return [
      200,
      this.comments.map(({ body, appId }) => ({
        body,
        performed_via_github_app: appId === null ? null : { id: appId },
      })),
    ];
  }

  #comment(body: string): readonly [number, unknown] {
    const isLost = this.failures.shift();
    if (isLost !== false) this.comments.push({ body, appId: OUR_APP });
    return isLost === undefined ? [201, { id: this.comments.length }] : [500, { message: 'lost' }];
  }

  #permission(login: string): readonly [number, unknown] {
    const id = [...this.logins].find(([, name]) => name === login)?.[0];
    if (id === undefined) return [404, { message: 'Not Found' }];
    const [role_name, permission] = this.roles.get(login) ?? ['none', 'none'];
    return [200, { permission, role_name, user: { id, login } }];
  }

  #membership(team: string, login: string): readonly [number, unknown] {
    const isMember = this.teams.get(team)?.includes(login) === true;
    return isMember ? [200, { url: 'u', role: 'member', state: 'active' }] : [404, { message: 'Not Found' }];
  }

  #user(id: number): readonly [number, unknown] {
    const login = this.logins.get(id);
    return login === undefined ? [404, { message: 'Not Found' }] : [200, { id, login }];
  }

  #pullBodies(): readonly { readonly number: number }[] {
    return [...this.twins.map((twin) => ({ ...this.#pullBody(), ...twin })), this.#pullBody()];
  }

  #pullBody(): { readonly number: number; readonly [field: string]: unknown } {
    const { head, base, isFork, author, pushedAt, state } = this.pull;
    return {
      number: 7,
      state,
      draft: false,
      labels: [],
      user: { id: author, login: this.logins.get(author) ?? 'ghost' },
      head: { sha: head, ref: 'topic', repo: { id: isFork ? 501 : 500, pushed_at: pushedAt } },
      base: { sha: 'b'.repeat(40), ref: base, repo: { id: 500 } },
    };
  }
}
