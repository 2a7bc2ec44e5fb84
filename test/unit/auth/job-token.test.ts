import { exportSPKI, generateKeyPair, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openIssuerKeys } from '../../../src/auth/issuer-keys.ts';
import { newSessionToken, sessionTokenHash } from '../../../src/auth/session-token.ts';
import { verifyJobToken } from '../../../src/auth/verify-job-token.ts';
import { messageOf } from '../../../src/base/errors.ts';
import { AUDIENCE, CLAIMS, TestIssuer } from './issuer.ts';

const NOW_S = 1_790_000_000;
const clock = { now: () => NOW_S * 1000 };

describe('the identity token of a job', () => {
  let issuer: TestIssuer;
  beforeEach(async () => {
    issuer = await TestIssuer.open();
  });
  afterEach(() => issuer.close());

  const verify = (token: string, keys = openIssuerKeys(issuer.url, fetch)) =>
    verifyJobToken(token, { issuer: issuer.url, audience: AUDIENCE, keys, clock });

  it('says which job it is', async () => {
    expect(await verify(await issuer.sign(NOW_S))).toEqual({
      repositoryId: 74,
      repository: 'ada/engine',
      workflowRunId: 30_433_642,
      runAttempt: 1,
      eventName: 'workflow_dispatch',
      jobWorkflowRef: CLAIMS.job_workflow_ref,
      ref: 'refs/heads/main',
      sha: CLAIMS.sha,
      actor: 'maestro[bot]',
    });
  });

  it('says by which account, where the issuer does', async () => {
    expect(await verify(await issuer.sign(NOW_S, { claims: { actor_id: '583231' } }))).toMatchObject({
      actorId: 583_231,
    });
  });

  it.each<[string, Parameters<TestIssuer['sign']>[1]]>([
    ['has an account that is no number', { claims: { actor_id: 'ada' } }],
    ['has expired', { issuedS: -700, expiresS: -60 }],
    ['is not valid yet', { claims: { nbf: NOW_S + 120 } }],
    ['was issued in the future', { issuedS: 120, expiresS: 600 }],
    ['was kept for too long', { issuedS: -3600, expiresS: 3600 }],
    ['is for another server', { claims: { aud: 'https://elsewhere.example.com' } }],
    ['is of another issuer', { claims: { iss: 'https://token.actions.githubusercontent.com' } }],
    ['is signed by an unknown key id', { kid: 'two' }],
    ['has no repository', { claims: { repository_id: undefined } }],
    ['has a repository that is no number', { claims: { repository_id: '74 or 1=1' } }],
    ['has an attempt of zero', { claims: { run_attempt: '0' } }],
    ['has no workflow', { claims: { job_workflow_ref: '' } }],
    ['has a commit that is an object', { claims: { sha: { toString: 'x' } } }],
  ])('is refused where it %s', async (_case, change) => {
    await expect(verify(await issuer.sign(NOW_S, change))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('holds within half a minute of clock skew', async () => {
    await expect(verify(await issuer.sign(NOW_S, { issuedS: 20 }))).resolves.toMatchObject({ repositoryId: 74 });
    await expect(verify(await issuer.sign(NOW_S, { expiresS: -20, issuedS: -300 }))).resolves.toBeDefined();
  });

  it('is refused where nobody, a foreign key, or the public key as a secret signed it', async () => {
    const unsigned = new UnsecuredJWT({ ...CLAIMS, iss: issuer.url, aud: AUDIENCE })
      .setIssuedAt(NOW_S)
      .setExpirationTime(NOW_S + 300)
      .encode();
    const foreign = (await generateKeyPair('RS256')).privateKey;
    const secret = new TextEncoder().encode(await exportSPKI(issuer.publicKey));
    for (const token of [
      unsigned,
      await issuer.sign(NOW_S, { key: foreign }),
      await issuer.sign(NOW_S, { alg: 'HS256', key: secret }),
      `${(await issuer.sign(NOW_S)).slice(0, -6)}AAAAAA`,
      'no token',
      'x'.repeat(20_000),
    ])
      await expect(verify(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is never quoted by a refusal', async () => {
    const token = await issuer.sign(NOW_S, { claims: { aud: 'https://elsewhere.example.com' } });
    const error = await verify(token).catch((refused: unknown) => refused);
    expect(messageOf(error)).toContain('does not hold');
    expect(messageOf(error)).not.toContain(token.split('.')[1]);
  });

  it('costs one look at the issuer, also when many come with a key that it does not have', async () => {
    const keys = openIssuerKeys(issuer.url, fetch);
    await verify(await issuer.sign(NOW_S), keys);
    for (let i = 0; i < 20; i++)
      await expect(verify(await issuer.sign(NOW_S, { kid: `k${i}` }), keys)).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
      });
    await verify(await issuer.sign(NOW_S), keys);
    expect(issuer.asked).toHaveLength(2);
  });

  const discovery = '/_services/token/.well-known/openid-configuration';
  const jwks = '/_services/token/.well-known/jwks';
  it.each<[string, string, (url: string) => { status: number; body: string }]>([
    ['answers with an error', discovery, () => ({ status: 500, body: '' })],
    ['answers no JSON', discovery, () => ({ status: 200, body: '<html>' })],
    ['redirects', discovery, () => ({ status: 302, body: '' })],
    ['answers without end', discovery, () => ({ status: 200, body: ' '.repeat(400_000) })],
    [
      'names another issuer',
      discovery,
      (url) => ({ status: 200, body: JSON.stringify({ issuer: 'https://x', jwks_uri: `${url}/k` }) }),
    ],
    [
      'has its keys elsewhere',
      discovery,
      (url) => ({ status: 200, body: JSON.stringify({ issuer: url, jwks_uri: 'http://127.0.0.1:9/keys' }) }),
    ],
    ['has lost its keys', jwks, () => ({ status: 404, body: '' })],
    ['has keys that are none', jwks, () => ({ status: 200, body: '{"keys":"none"}' })],
    ['has keys without end', jwks, () => ({ status: 200, body: ' '.repeat(400_000) })],
  ])('cannot be checked where the issuer %s', async (_case, path, answer) => {
    issuer.instead.set(path, answer(issuer.url));
    await expect(verify(await issuer.sign(NOW_S))).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
  });

  it('comes from an issuer over TLS or on this machine, and from no other', () => {
    for (const url of ['http://token.example.com', 'file:///etc', 'https://user:pass@token.example.com', 'token'])
      expect(() => openIssuerKeys(url, fetch)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('the token of a session', () => {
  it('is 32 random bytes, known by its digest alone', () => {
    const { token, hash } = newSessionToken((size) => new Uint8Array(size).fill(7));
    expect(token).toBe(`mws_${Buffer.alloc(32, 7).toString('base64url')}`);
    expect(Buffer.from(sessionTokenHash(token) ?? [])).toEqual(Buffer.from(hash));
    expect(Buffer.from(hash).toString('latin1')).not.toContain(token);
  });

  it('is looked up only where it can be one', () => {
    for (const text of ['', 'mws_', `mws_${'a'.repeat(42)}`, `mws_${'a'.repeat(44)}`, `mws_${'é'.repeat(43)}`])
      expect(sessionTokenHash(text)).toBeUndefined();
  });
});
