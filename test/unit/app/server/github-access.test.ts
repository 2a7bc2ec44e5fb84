import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import nock from 'nock';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GitHubDoor, openGitHub } from '../../../../app/server/github-access.ts';

const API = 'https://ghe.example.com/api/v3';
const PRIVATE_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs1',
  format: 'pem',
}) as string;
const REPOSITORY = { owner: 'acme', repo: 'orders' };

let door: GitHubDoor;

beforeEach(async () => {
  nock.disableNetConnect();
  door = await openGitHub(
    { appId: '42', privateKey: PRIVATE_KEY, webhookSecret: 'of no matter here', githubApiUrl: API },
    pino({ level: 'silent' }),
    () => Promise.resolve(),
  );
});

afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

function grantTokens(times: number): { readonly jwts: string[] } {
  const jwts: string[] = [];
  let count = 0;
  nock(API, {
    reqheaders: {
      authorization: (value) => {
        jwts.push(String(value).replace(/^bearer /i, ''));
        return true;
      },
    },
  })
    .post('/app/installations/7/access_tokens')
    .times(times)
    .reply(201, () => ({
      token: `ghs_${++count}`,
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      permissions: {},
      repository_selection: 'all',
    }));
  return { jwts };
}

describe('calls to GitHub', () => {
  it('are made with a token of the installation, which the App asks for in its own name, once', async () => {
    const { jwts } = grantTokens(1);
    nock(API, { reqheaders: { authorization: 'token ghs_1' } })
      .get('/repos/acme/orders')
      .twice()
      .reply(200, { id: 1 });
    const octokit = await door.access.installation(7);
    await octokit.rest.repos.get(REPOSITORY);
    await (await door.access.installation(7)).rest.repos.get(REPOSITORY);
    const { payload } = await jwtVerify(jwts[0] ?? '', createPublicKey(PRIVATE_KEY), { algorithms: ['RS256'] });
    expect(payload.iss).toBe(42);
    expect(Number(payload.exp) - Number(payload.iat)).toBeLessThanOrEqual(660);
  });

  it.each([
    ['a server error', 502, {}],
    ['a refusal', 403, {}],
    ['the secondary limit', 403, { 'retry-after': '60' }],
    ['the rate limit', 429, { 'retry-after': '60', 'x-ratelimit-remaining': '0' }],
  ])('are made once, however they end: %s is told at once to who asked', async (_, status, headers) => {
    grantTokens(1);
    nock(API).post('/repos/acme/orders/check-runs').once().reply(status, { message: 'no' }, headers);
    const octokit = await door.access.installation(7);
    const beganMs = performance.now();
    await expect(
      octokit.rest.checks.create({ ...REPOSITORY, name: 'x', head_sha: '0'.repeat(40) }),
    ).rejects.toMatchObject({ status });
    expect(performance.now() - beganMs).toBeLessThan(5000);
  });

  it('are not delayed by each other', async () => {
    grantTokens(1);
    nock(API).post('/repos/acme/orders/issues/1/comments').times(5).reply(201, { id: 1 });
    const octokit = await door.access.installation(7);
    const beganMs = performance.now();
    await Promise.all(
      Array.from({ length: 5 }, () => octokit.rest.issues.createComment({ ...REPOSITORY, issue_number: 1, body: 'x' })),
    );
    // Probot's own client would take three seconds for each.
    expect(performance.now() - beganMs).toBeLessThan(3000);
  });

  it('keep the token out of what an error shows', async () => {
    grantTokens(1);
    nock(API).get('/repos/acme/orders').reply(500, { message: 'oops' });
    const octokit = await door.access.installation(7);
    const error: unknown = await octokit.rest.repos.get(REPOSITORY).catch((caught: unknown) => caught);
    expect(String(error)).toContain('oops');
    expect(JSON.stringify(error)).not.toContain('ghs_1');
  });

  it('fail where the App is suspended, with what GitHub says', async () => {
    nock(API)
      .post('/app/installations/7/access_tokens')
      .reply(403, { message: 'This installation has been suspended' });
    const octokit = await door.access.installation(7);
    await expect(octokit.rest.repos.get(REPOSITORY)).rejects.toMatchObject({ status: 403 });
  });
});
