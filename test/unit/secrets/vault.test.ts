import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SecretRequest } from '../../../src/protocol/secret-source.ts';
import { type OpenedSource, openSecretSource } from '../../../src/secrets/open-source.ts';
import { parsePathTemplate } from '../../../src/secrets/vault/path-template.ts';
import { openVault, type VaultPlace } from '../../../src/secrets/vault/vault.ts';
import { requestFor } from '../../contract/secrets/requests.ts';
import { IdentityServer } from '../../fakes/identity-server.ts';
import { FakeVault, type VaultRequest } from '../../fakes/vault.ts';
import { shownOf } from './planted.ts';

const LOGIN = 'auth/jwt/login';
const READ = 'secret/data/acme/orders';
const REVOKE = 'auth/token/revoke-self';

describe('a vault', () => {
  const clock = { nowMs: 0, now: () => clock.nowMs };
  let identity: IdentityServer;
  let vault: FakeVault;
  let told: unknown[];
  let source: OpenedSource;

  const opened = (change: Partial<VaultPlace> = {}, findMsMax?: number): OpenedSource => {
    const path = parsePathTemplate('secret/data/{repository}');
    const place = { url: vault.url, namespace: undefined, mount: 'jwt', role: 'maestro', path, ...change };
    const issue = (...token: Parameters<typeof identity.issuer.issue>) => identity.issuer.issue(...token);
    const provider = openVault(place, { fetch, clock, issue, onTrouble: (error) => told.push(error) });
    return openSecretSource([provider], findMsMax);
  };
  const read = (change: Partial<SecretRequest> = {}) => source.read(requestFor(['A'], change));
  const refusalOf = async (reading: Promise<unknown>): Promise<{ code: string; shown: string }> => {
    const error: unknown = await reading.then(
      () => expect.fail('it gave something'),
      (failure: unknown) => failure,
    );
    return { code: (error as { code: string }).code, shown: shownOf(error, ...told) };
  };

  beforeEach(async () => {
    clock.nowMs = 1_790_000_000_000;
    told = [];
    identity = await new IdentityServer().open(clock);
    vault = await new FakeVault(identity.url, clock).open();
    vault.secrets.set('acme/orders', { A: 'PLANTED-a' });
    source = opened();
  });
  afterEach(async () => {
    await source.close();
    await vault.close();
    await identity.close();
  });

  it('is shown a token that says who asks, for it alone', async () => {
    expect(await read({ environment: 'prod' })).toEqual({ A: 'PLANTED-a' });
    expect(vault.claims).toEqual([
      expect.objectContaining({
        iss: identity.url,
        aud: vault.url,
        sub: 'repo:acme/orders:environment:prod',
        repository: 'acme/orders',
        repository_id: '77',
        tenant: 'github:42',
        environment: 'prod',
        ref: 'refs/heads/main',
        run_id: '01run',
        step: 'publish',
        exp: clock.nowMs / 1000 + 300,
        jti: expect.any(String),
      }),
    ]);
    expect(vault.requests.map(({ method, namespace }) => [method, namespace])).toEqual([
      ['POST', undefined],
      ['GET', undefined],
    ]);
  });

  it('is asked within its namespace', async () => {
    source = opened({ namespace: 'team/ci' });
    await read();
    await source.close();
    expect(vault.requests.map(({ namespace }) => namespace)).toEqual(['team/ci', 'team/ci', 'team/ci']);
  });

  it('is logged into once by the steps of one repository, ref and environment', async () => {
    await Promise.all([read({ step: 'one' }), read({ step: 'two' })]);
    await read({ step: 'three', run: '02run' });
    expect(vault.calls).toEqual([LOGIN, READ, READ, READ]);
  });

  it.each<[string, Partial<SecretRequest>]>([
    ['ref', { ref: 'refs/heads/evil' }],
    ['environment', { environment: 'staging' }],
    ['runner', { runner: 'gpu' }],
    ['tenant', { namespace: { tenant: 'github:43', name: 'github:77' } }],
    ['number of the repository', { repositoryId: '78' }],
  ])('is logged into again for another %s, because its role may be bound to that', async (_what, change) => {
    await read({ environment: 'prod' });
    await read({ environment: 'prod', ...change });
    expect(vault.calls).toEqual([LOGIN, READ, LOGIN, READ]);
  });

  it('is never shown a token that may have ended', async () => {
    vault.leaseS = 60;
    await read();
    clock.nowMs += 44_000;
    await read();
    expect(vault.calls).toEqual([LOGIN, READ, READ]);
    clock.nowMs += 2000;
    await read();
    expect(vault.calls).toEqual([LOGIN, READ, READ, LOGIN, READ]);
  });

  it.each<[string, () => void]>([
    ['lives shortly', () => void (vault.leaseS = 10)],
    ['has no end', () => void (vault.leaseS = 0)],
    ['may be used once', () => void (vault.usesMax = 2)],
  ])('gets a token that %s back after its use', async (_how, change) => {
    // A fake token of no lease has ended when it begins: it answers by itself what a vault would.
    change();
    if (vault.leaseS === 0) vault.instead = (request, response) => answerRead(request, response, { A: 'PLANTED-a' });
    expect(await Promise.all([read(), read()])).toEqual([{ A: 'PLANTED-a' }, { A: 'PLANTED-a' }]);
    expect(vault.calls.filter((path) => path === LOGIN)).toHaveLength(2);
    expect(vault.calls.filter((path) => path === REVOKE)).toHaveLength(2);
  });

  it('gets all tokens back when the server goes', async () => {
    await read();
    await read({ environment: 'prod' });
    expect(vault.openTokens).toBe(2);
    await source.close();
    expect(vault.openTokens).toBe(0);
    expect(told).toEqual([]);
  });

  it('is not bothered with tokens that nobody can give back', async () => {
    vault.tokenType = 'batch';
    await read();
    await source.close();
    expect(vault.calls).toEqual([LOGIN, READ]);
  });

  it('is logged into once more where it has forgotten a token', async () => {
    await read();
    vault.forgetTokens();
    expect(await Promise.all([read(), read(), read()])).toEqual(Array.from({ length: 3 }, () => ({ A: 'PLANTED-a' })));
    expect(vault.calls.filter((path) => path === LOGIN).length).toBeLessThanOrEqual(4);
    expect(told).toEqual([]);
  });

  it('has nothing for whom it refuses, and the operator is told why', async () => {
    vault.boundClaims = { environment: 'prod' };
    const { code, shown } = await refusalOf(read({ environment: 'staging' }));
    expect(code).toBe('SECRET_NOT_FOUND');
    expect(told).toHaveLength(1);
    expect(shown).toContain('claim "environment" does not match');
    expect(shown).toContain('repo:acme/orders:environment:staging');
    expect(shown).not.toContain(JSON.parse(vault.requests[0]?.body ?? '{}').jwt);
    expect(await read({ environment: 'prod' })).toEqual({ A: 'PLANTED-a' });
  });

  it('has nothing where its policy does not let a repository read, and the operator is told', async () => {
    source = opened({ path: parsePathTemplate('secret/data/{repository_id}') });
    expect((await refusalOf(read())).code).toBe('SECRET_NOT_FOUND');
    expect(shownOf(...told)).toContain('permission denied');
  });

  it('may hold nothing yet: that is no trouble', async () => {
    vault.secrets.clear();
    expect((await refusalOf(read())).code).toBe('SECRET_NOT_FOUND');
    expect(told).toEqual([]);
  });

  it('holds texts: what is none is refused by its name', async () => {
    vault.secrets.set('acme/orders', { A: 12_345_678, B: { deep: 'PLANTED' }, C: null });
    for (const name of ['A', 'B', 'C']) {
      const { code, shown } = await refusalOf(source.read(requestFor([name])));
      expect(code).toBe('SECRET_UNUSABLE');
      expect(shown).not.toMatch(/PLANTED|12345678/);
    }
  });

  it.each<[string, (request: VaultRequest, response: ServerResponse) => boolean]>([
    ['is sealed', (_request, response) => answer(response, 503, { errors: ['Vault is sealed'] })],
    ['wants fewer calls', (_request, response) => answer(response, 429, { errors: ['request path: rate limit'] })],
    ['fails while it reads', (request, response) => isRead(request) && answer(response, 500, { errors: ['internal'] })],
    ['answers no JSON', (_request, response) => isSent(response.end('<html>PLANTED</html>'))],
    ['answers half a document', (_request, response) => isSent(response.end('{"data": {"data": {"A": "PLANTED'))],
    ['answers a list', (_request, response) => isSent(response.end('["PLANTED"]'))],
    ['logs in without a token', (_request, response) => answer(response, 200, { auth: { lease_duration: 60 } })],
    [
      'is an engine of version 1',
      (request, response) => isRead(request) && answer(response, 200, { data: { A: 'PLANTED' } }),
    ],
    [
      'answers without end',
      (request, response) => isRead(request) && isSent(response.end(Buffer.alloc(2_100_000, ' '))),
    ],
    ['hangs up', (request, response) => isRead(request) && isSent(response.destroy())],
    ['hangs up at the login', (_request, response) => isSent(response.destroy())],
  ])('that %s may give the secrets later', async (_how, instead) => {
    vault.instead = instead;
    const { code, shown } = await refusalOf(read());
    expect(code).toBe('SECRETS_UNAVAILABLE');
    expect(told).toHaveLength(1);
    expect(shown).not.toContain('PLANTED');
    vault.instead = undefined;
    expect(await read()).toEqual({ A: 'PLANTED-a' });
  });

  it.each([LOGIN, READ])('that is silent at %s is not waited for', async (path) => {
    source = opened({}, 200);
    vault.instead = (request) => request.path.endsWith(path);
    expect((await refusalOf(read())).code).toBe('SECRETS_UNAVAILABLE');
    vault.instead = undefined;
  });

  it('that points elsewhere is not followed: the token would go along', async () => {
    const elsewhere = await new FakeVault(identity.url, clock).open();
    vault.instead = (request, response) => {
      response.writeHead(307, { location: `${elsewhere.url}${request.path}` }).end();
      return true;
    };
    expect((await refusalOf(read())).code).toBe('SECRETS_UNAVAILABLE');
    vault.instead = (request, response) => {
      if (!isRead(request)) return false;
      response.writeHead(302, { location: `${elsewhere.url}${request.path}` }).end();
      return true;
    };
    expect((await refusalOf(read())).code).toBe('SECRETS_UNAVAILABLE');
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.close();
  });

  it('that repeats what it was sent is not repeated', async () => {
    const sent: string[] = [];
    vault.instead = (request, response) => {
      if (request.path.endsWith(LOGIN)) sent.push((JSON.parse(request.body) as { jwt: string }).jwt);
      if (request.token !== undefined) sent.push(request.token);
      const words = [request.body, String(request.token), '\u001b[31m', 'x'.repeat(5000)];
      return (isRead(request) || sent.length === 1) && answer(response, isRead(request) ? 403 : 400, { errors: words });
    };
    expect((await refusalOf(read())).code).toBe('SECRET_NOT_FOUND');
    expect((await refusalOf(read())).code).toBe('SECRET_NOT_FOUND');
    expect(sent).toHaveLength(3);
    expect(told).toHaveLength(2);
    for (const secret of [...sent, '\u001b[31m']) expect(shownOf(...told)).not.toContain(secret);
    expect(shownOf(...told).length).toBeLessThan(8000);
  });

  it('is not told to users: neither where it is, nor what it said', async () => {
    vault.instead = (_request, response) => answer(response, 503, { errors: ['Vault is sealed'] });
    const message = await read().catch((error: Error) => error.message);
    expect(message).not.toMatch(/127\.0\.0\.1|sealed|maestro/);
  });

  it.each(['http://vault.example.com', 'ftp://127.0.0.1', 'https://user:password@vault.example.com', 'vault'])(
    'is not spoken to at %s',
    (url) => {
      expect(() => opened({ url })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    },
  );

  it('of a run of no repository is not even asked', async () => {
    await refusalOf(read({ repository: '', repositoryId: '' }));
    expect(vault.requests).toEqual([]);
  });
});

function isRead({ path }: VaultRequest): boolean {
  return path.startsWith('/v1/secret/');
}

function answerRead(request: VaultRequest, response: ServerResponse, data: object): boolean {
  return isRead(request) && answer(response, 200, { data: { data, metadata: {} } });
}

function answer(response: ServerResponse, status: number, body: object): boolean {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  return true;
}

function isSent(_sent: unknown): boolean {
  return true;
}
