import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IdentityServer } from '../../fakes/identity-server.ts';

const NOW_S = 1_790_000_000;
const AUDIENCE = 'https://vault.example.com';

describe('an identity token', () => {
  const server = new IdentityServer();
  beforeAll(() => server.open({ now: () => NOW_S * 1000 + 999 }));
  afterAll(() => server.close());

  const verify = async (token: string, nowS = NOW_S) => {
    const configuration = (await (await fetch(`${server.url}/.well-known/openid-configuration`)).json()) as {
      issuer: string;
      jwks_uri: string;
    };
    const keys = createRemoteJWKSet(new URL(configuration.jwks_uri));
    const currentDate = new Date(nowS * 1000);
    return jwtVerify(token, keys, {
      issuer: configuration.issuer,
      audience: AUDIENCE,
      algorithms: ['ES256'],
      currentDate,
    });
  };

  it('is verified by what the server publishes, for five minutes', async () => {
    const token = await server.issuer.issue('repo:acme/orders:environment:prod', AUDIENCE, {
      step: 'publish',
      text: 'ü',
    });
    const { payload } = await verify(token, NOW_S + 299);
    expect(payload).toEqual({
      iss: server.url,
      sub: 'repo:acme/orders:environment:prod',
      aud: AUDIENCE,
      iat: NOW_S,
      nbf: NOW_S,
      exp: NOW_S + 300,
      jti: expect.any(String),
      step: 'publish',
      text: 'ü',
    });
    await expect(verify(token, NOW_S + 301)).rejects.toThrow('exp');
    await expect(verify(token, NOW_S - 1)).rejects.toThrow('nbf');
  });

  it('is of who asked for it, whatever claims are added', async () => {
    const claims = { iss: 'https://evil.example.com', sub: 'admin', aud: 'all', exp: '9999999999', jti: 'one' };
    const { payload } = await verify(await server.issuer.issue('repo:acme/orders', AUDIENCE, claims));
    expect(payload).toMatchObject({ iss: server.url, sub: 'repo:acme/orders', aud: AUDIENCE, exp: NOW_S + 300 });
    expect(payload.jti).not.toBe('one');
  });

  it('is signed rightly also where a half of the signature begins with zeros', async () => {
    const keys = createLocalJWKSet(server.issuer.documents.keys as unknown as JSONWebKeySet);
    // DER writes one first half in 512 in fewer than 32 bytes, and one second half.
    for (const at of [0, 32])
      for (let tries = 0; ; tries++) {
        expect(tries).toBeLessThan(40_000);
        const token = await server.issuer.issue('repo:acme/orders', AUDIENCE, {});
        const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url');
        expect(signature).toHaveLength(64);
        if (signature.readUInt16BE(at) >= 0x80) continue;
        await jwtVerify(token, keys, { currentDate: new Date(NOW_S * 1000) });
        break;
      }
  });

  it('names its key, and no part of the private one is published', () => {
    const { keys } = server.issuer.documents.keys as unknown as JSONWebKeySet;
    expect(keys).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        kid: expect.any(String),
        alg: 'ES256',
        use: 'sig',
      },
    ]);
  });
});
