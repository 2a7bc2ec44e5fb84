import { createRemoteJWKSet, jwtVerify } from 'jose';
import { expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../../../src/base/clock.ts';
import { IdentityServer } from '../../fakes/identity-server.ts';
import { Door } from './door.ts';

const GET = { method: 'GET', body: null } as const;

it('publishes to anyone what identity tokens of the server are verified with', async () => {
  const issuer = await new IdentityServer().open(SYSTEM_CLOCK);
  const door = await new Door().open({ identity: issuer.issuer.documents });
  const { status, body } = await door.call('/.well-known/openid-configuration', null, { ...GET, token: '' });
  expect({ status, body }).toMatchObject({ status: 200, body: { issuer: issuer.url } });
  const token = await issuer.issuer.issue('repo:acme/orders', 'vault', {});
  const keys = createRemoteJWKSet(new URL(`${door.url}/.well-known/jwks.json`));
  expect((await jwtVerify(token, keys, { issuer: issuer.url })).payload.sub).toBe('repo:acme/orders');
  const document = await door.call('/api/v1/openapi.json', null, GET);
  expect(Object.keys(document.body.paths)).toEqual(
    expect.arrayContaining(['/.well-known/jwks.json', '/.well-known/openid-configuration']),
  );
  await Promise.all([door.close(), issuer.close()]);
});

it('publishes nothing where it issues none', async () => {
  const door = await new Door().open();
  const answer = await fetch(`${door.url}/.well-known/jwks.json`);
  expect(answer.status).toBe(404);
  await answer.text();
  await door.close();
});
