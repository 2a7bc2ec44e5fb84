import { afterAll, beforeAll, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import type { SecretRequest } from '../../../src/protocol/secret-source.ts';
import { openSecretSource } from '../../../src/secrets/open-source.ts';
import { vaultAt } from '../../contract/secrets/places.ts';
import { requestFor } from '../../contract/secrets/requests.ts';
import { IdentityServer } from '../../fakes/identity-server.ts';
import { OpenBao } from '../../fakes/openbao.ts';
import { describeWith } from '../../real-parts.ts';
import { shownOf } from './planted.ts';

describeWith('openbao', 'a real OpenBao that finds keys by discovery, and whose role is bound', (program) => {
  const identity = new IdentityServer();
  const bao = new OpenBao(program);
  const told: unknown[] = [];
  beforeAll(async () => {
    await identity.open(SYSTEM_CLOCK);
    const config = { oidc_discovery_url: identity.url, bound_issuer: identity.url };
    await bao.open(config, {
      bound_claims_type: 'glob',
      bound_claims: { environment: 'prod*', ref: ['refs/heads/main'] },
    });
    await bao.root('secret/data/acme/orders', { data: { A: 'PLANTED-a' } });
    await bao.root('secret/data/acme/billing', { data: { A: 'PLANTED-billing' } });
  });
  afterAll(async () => {
    await bao.close();
    await identity.close();
  });

  const read = async (change: Partial<SecretRequest>) => {
    const source = openSecretSource([vaultAt(bao.url, identity, told)]);
    try {
      return await source.read(requestFor(['A'], { environment: 'prod', ...change }));
    } finally {
      await source.close();
    }
  };

  it('gives each repository its own, where the claims are those that the role wants', async () => {
    expect(await read({})).toEqual({ A: 'PLANTED-a' });
    expect(await read({ repository: 'acme/billing', environment: 'prod-eu' })).toEqual({ A: 'PLANTED-billing' });
  });

  it.each<[string, Partial<SecretRequest>]>([
    ['of another environment', { environment: 'staging' }],
    ['of no environment', { environment: null }],
    ['of another branch', { ref: 'refs/heads/evil' }],
    ['of a repository without secrets', { repository: 'acme/website' }],
  ])('gives nothing to a step %s', async (_whose, change) => {
    const error: unknown = await read(change).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'SECRET_NOT_FOUND' });
    expect(shownOf(error, ...told)).not.toContain('PLANTED');
  });

  it('does not let a token read another repository, whatever path it asks for', async () => {
    const claims = {
      repository: 'acme/orders',
      repository_owner: 'acme',
      repository_name: 'orders',
      environment: 'prod',
    };
    const jwt = await identity.issuer.issue('repo:acme/orders:environment:prod', bao.url, {
      ...claims,
      ref: 'refs/heads/main',
    });
    const login = await fetch(`${bao.url}/v1/auth/jwt/login`, {
      method: 'POST',
      body: JSON.stringify({ role: 'maestro', jwt }),
    });
    const { auth } = (await login.json()) as { auth: { client_token: string } };
    const statusOf = async (path: string): Promise<number> => {
      const headers = { 'x-vault-token': auth.client_token };
      return (await fetch(`${bao.url}/v1/secret/data/${path}`, { headers })).status;
    };
    expect(await statusOf('acme/orders')).toBe(200);
    for (const path of ['acme/billing', 'acme/*', 'acme/+', 'acme/orders/../billing', 'acme/orders%2f..%2fbilling'])
      expect([path, await statusOf(path)]).not.toEqual([path, 200]);
  });

  it('gets its tokens back when the server goes', async () => {
    const before = await bao.openTokens();
    const source = openSecretSource([vaultAt(bao.url, identity, told)]);
    await source.read(requestFor(['A'], { environment: 'prod' }));
    await source.read(requestFor(['A'], { environment: 'prod', step: 'another' }));
    expect(await bao.openTokens()).toBe(before + 1);
    await source.close();
    expect(await bao.openTokens()).toBe(before);
  });

  it('is logged into once more where an administrator revoked all tokens', async () => {
    const source = openSecretSource([vaultAt(bao.url, identity, told)]);
    await source.read(requestFor(['A'], { environment: 'prod' }));
    await bao.root('sys/leases/revoke-prefix/auth/jwt/login', {});
    expect(await source.read(requestFor(['A'], { environment: 'prod' }))).toEqual({ A: 'PLANTED-a' });
    await source.close();
  });
});
