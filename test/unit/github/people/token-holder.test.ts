import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holderOfToken } from '../../../../src/github/people/token-holder.ts';

const TOKEN = `ghp_${'t'.repeat(36)}`;
const USER = { id: 7, login: 'ada', type: 'User' };
const REPOSITORY = { id: 11, name: 'app', owner: { login: 'acme' }, private: true };
const SCOPES = { 'x-oauth-scopes': 'repo, read:org' };

interface Reply {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A far end that answers what a test wants, and keeps who called. */
class FarEnd {
  readonly replies = new Map<string, Reply>();
  readonly calls: { readonly path: string; readonly authorization: string | undefined }[] = [];
  readonly #server: Server = createServer((request, response) => this.#serve(request, response));

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #serve({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    this.calls.push({ path: url, authorization: headers.authorization });
    const { status = 200, body = {}, headers: more = {} } = this.replies.get(url) ?? { status: 404 };
    response.writeHead(status, { 'content-type': 'application/json', ...more });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }
}

describe('whose token it is', () => {
  let github: FarEnd;
  let other: FarEnd;
  let apiUrl = '';
  let otherUrl = '';
  beforeEach(async () => {
    [github, other] = [new FarEnd(), new FarEnd()];
    [apiUrl, otherUrl] = await Promise.all([github.open(), other.open()]);
    github.replies.set('/user', { body: USER, headers: SCOPES });
    github.replies.set('/repos/acme/app', { body: REPOSITORY, headers: SCOPES });
  });
  afterEach(() => {
    github.close();
    other.close();
  });

  const admit = (token = TOKEN) => holderOfToken({ apiUrl, fetch }, token);
  const see = async (token = TOKEN) => (await admit(token)).see('acme', 'app');

  it('GitHub says, to which alone it is shown', async () => {
    expect(await admit()).toMatchObject({ id: 7, login: 'ada', isApp: false });
    expect(github.calls).toEqual([{ path: '/user', authorization: `Bearer ${TOKEN}` }]);
    expect(JSON.stringify(await admit())).not.toContain(TOKEN);
  });

  it.each([
    ['none', ''],
    ['of an installation, or a job', `ghs_${'x'.repeat(36)}`],
    ['of an App that acts for somebody', `ghu_${'x'.repeat(36)}`],
    ['of a worker', `mws_${'x'.repeat(43)}`],
    ['an identity token', `${'a'.repeat(40)}.${'b'.repeat(40)}.${'c'.repeat(40)}`],
    ['too short', 'ghp_x'],
    ['of several lines', `${TOKEN}\n`],
    ['something else', 'password1'],
  ])('is not asked for a token that is %s', async (_, token) => {
    await expect(admit(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(github.calls).toEqual([]);
  });

  it.each<[string, Reply, string]>([
    ['it does not know', { status: 401, body: { message: 'Bad credentials' } }, 'UNAUTHENTICATED'],
    ['it knows as no person’s', { status: 403, body: { message: 'by integration' } }, 'UNAUTHENTICATED'],
    ['of a bot', { body: { ...USER, type: 'Bot' } }, 'UNAUTHENTICATED'],
    ['that made too many calls', { status: 403, headers: { 'x-ratelimit-remaining': '0' } }, 'RATE_LIMITED'],
    ['that must wait', { status: 403, headers: { 'retry-after': '60' } }, 'RATE_LIMITED'],
    ['while it is overrun', { status: 429 }, 'RATE_LIMITED'],
    ['while it is down', { status: 502, body: '<html>' }, 'UNAVAILABLE'],
    ['with half an answer', { body: '{"id": 7, "lo' }, 'UNAVAILABLE'],
    ['with no name', { body: { id: 7 } }, 'UNAVAILABLE'],
  ])('is nobody’s for a token %s', async (_, reply, code) => {
    github.replies.set('/user', reply);
    const error: Error = await admit().then(
      () => Promise.reject(new Error('it was admitted')),
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code });
    expect(error.message).not.toContain(TOKEN);
  });

  it('cannot be told while nothing answers', async () => {
    github.close();
    await expect(admit()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('shows a repository that its person may read, and none that they may not', async () => {
    expect(await see()).toEqual({ id: 11, owner: 'acme', name: 'app', isPublic: false });
    for (const status of [404, 403, 451]) {
      github.replies.set('/repos/acme/app', { status });
      expect(await see()).toBeUndefined();
    }
  });

  it('follows a repository to its new name', async () => {
    github.replies.set('/repos/acme/app', { status: 301, headers: { location: `${apiUrl}/repositories/11` } });
    github.replies.set('/repositories/11', { body: { ...REPOSITORY, name: 'shop' }, headers: SCOPES });
    expect(await see()).toMatchObject({ id: 11, name: 'shop' });
  });

  it('is shown nowhere else, wherever a redirect leads', async () => {
    other.replies.set('/repositories/11', { body: REPOSITORY, headers: SCOPES });
    github.replies.set('/repos/acme/app', { status: 301, headers: { location: `${otherUrl}/repositories/11` } });
    await expect(see()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(other.calls).toEqual([]);
  });

  it('is not followed in circles', async () => {
    github.replies.set('/repos/acme/app', { status: 302, headers: { location: '/repos/acme/app' } });
    await expect(see()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(github.calls.length).toBeLessThan(10);
  });

  it.each([
    ['that only says who they are', '', true, false],
    ['that only says who they are, of a private repository', 'read:user', false, false],
    ['for public repositories', 'public_repo', true, true],
    ['for public repositories, of a private one', 'public_repo', false, false],
    ['for all repositories', 'gist, repo', false, true],
    ['with scopes that only look like it', 'repo:status, repo_deployment', true, false],
  ])('may act with a token %s: scopes %j, public %s', async (_, scopes, isPublic, may) => {
    const reply = { body: { ...REPOSITORY, private: !isPublic }, headers: { 'x-oauth-scopes': scopes } };
    github.replies.set('/repos/acme/app', reply);
    const seen = see().then(
      (repository) => repository?.id,
      (error: { code?: string }) => error.code,
    );
    expect(await seen).toBe(may ? 11 : 'APPROVAL_NOT_ALLOWED');
  });

  it('may act with a fine-grained token, which has no scopes but repositories', async () => {
    github.replies.set('/user', { body: USER });
    github.replies.set('/repos/acme/app', { body: REPOSITORY });
    expect(await see(`github_pat_${'x'.repeat(82)}`)).toMatchObject({ id: 11 });
  });
});
