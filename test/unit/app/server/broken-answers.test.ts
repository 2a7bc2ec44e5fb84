import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type GitHubDoor, openGitHub } from '../../../../app/server/github-access.ts';
import { isRetryable, isUninstalled } from '../../../../src/github/intake/failure.ts';

type Answer = (response: ServerResponse, body: string) => void;

const PRIVATE_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs1',
  format: 'pem',
}) as string;
const LIMITS = { msMax: 500, bytesMax: 10_000 };
const REPOSITORY = { owner: 'acme', repo: 'orders' };
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const TOKENS = 'POST /app/installations/7/access_tokens';
const REPO = 'GET /repos/acme/orders';
const APP = 'GET /app';

const whole: Answer = (response, body) => void response.writeHead(200, JSON_TYPE).end(body);
const half = (body: string): string => body.slice(0, body.length / 2);
const BROKEN: readonly (readonly [string, Answer])[] = [
  [
    'breaks off',
    (response, body) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-length': body.length });
      response.write(half(body), () => response.destroy());
    },
  ],
  [
    'breaks off amid its chunks',
    (response, body) => void response.writeHead(200, JSON_TYPE).write(half(body), () => response.destroy()),
  ],
  ['stops amid its body and never ends', (response, body) => void response.writeHead(200, JSON_TYPE).write(half(body))],
  ['never begins', () => {}],
  ['is half a document', (response, body) => whole(response, half(body))],
  ['is empty', (response) => whole(response, '')],
  ['is the page of a proxy', (response) => whole(response, '<html>ghs_secret</html>')],
  ['is larger than any of GitHub', (response) => whole(response, `"${'x'.repeat(LIMITS.bytesMax)}"`)],
];

describe('an answer of GitHub', () => {
  const server = createServer((request, response) => {
    const call = `${request.method} ${request.url}`;
    seen.push({ call, authorization: request.headers.authorization ?? '' });
    const body = JSON.stringify(bodyOf(call));
    (answers.get(call)?.shift() ?? whole)(response, body);
  });
  const answers = new Map<string, Answer[]>();
  const seen: { readonly call: string; readonly authorization: string }[] = [];
  let tokens = 0;
  let door: GitHubDoor;

  function bodyOf(call: string): object {
    if (call !== TOKENS) return { id: 11, slug: 'maestro', name: 'orders' };
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    return { token: `ghs_${++tokens}`, expires_at, permissions: {}, repository_selection: 'all' };
  }
  const answer = (call: string, ...next: Answer[]): Map<string, Answer[]> => answers.set(call, next);
  const failing = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );
  const read = async (): Promise<unknown> =>
    (await (await door.access.installation(7)).rest.repos.get(REPOSITORY)).data;

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(async () => {
    answers.clear();
    seen.length = 0;
    tokens = 0;
    const githubApiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    door = await openGitHub(
      { appId: '42', privateKey: PRIVATE_KEY, webhookSecret: 'of no matter here', githubApiUrl },
      pino({ level: 'silent' }),
      () => Promise.resolve(),
      LIMITS,
    );
  });
  afterEach(() => {
    vi.useRealTimers();
    server.closeAllConnections();
  });
  afterAll(() => server.close());

  it.each(BROKEN)('that %s is a failure that is tried again, and no success', async (_name, broken) => {
    answer(REPO, broken);
    const beganMs = performance.now();
    const error = await failing(read());
    expect(error).toMatchObject({ status: 500 });
    expect(isRetryable(error)).toBe(true);
    expect(performance.now() - beganMs).toBeLessThan(LIMITS.msMax + 5000);
    expect(await read()).toMatchObject({ id: 11 });
  });

  it.each(BROKEN)('with a token that %s is not kept: the next call asks for another', async (_name, broken) => {
    answer(TOKENS, broken);
    const error = await failing(read());
    expect(isRetryable(error)).toBe(true);
    expect(String(error)).not.toContain('ghs_');
    expect(await read()).toMatchObject({ id: 11 });
    expect(seen.at(-1)).toEqual({ call: REPO, authorization: 'token ghs_2' });
  });

  it.each(BROKEN)('to the App itself that %s is a failure as well', async (_name, broken) => {
    answer(APP, broken);
    expect(await failing(door.access.app.rest.apps.getAuthenticated())).toMatchObject({ status: 500 });
    expect((await door.access.app.rest.apps.getAuthenticated()).data).toMatchObject({ slug: 'maestro' });
  });

  it.each([404, 502])('that refuses with %i says so, whatever its body is', async (status) => {
    answer(REPO, (response) => void response.writeHead(status, JSON_TYPE).end('<html>'));
    expect(await failing(read())).toMatchObject({ status, response: { status } });
  });

  it('that there is no such installation is told apart from a repository that is not there', async () => {
    const missing: Answer = (response) => void response.writeHead(404, JSON_TYPE).end('{"message":"Not Found"}');
    answer(TOKENS, missing);
    expect(isUninstalled(await failing(read()))).toBe(true);
    answer(REPO, missing);
    expect(isUninstalled(await failing(read()))).toBe(false);
  });

  it('that accepts a call and tells nothing more is one', async () => {
    answer('POST /app/hook/deliveries/9/attempts', (response) => void response.writeHead(202, JSON_TYPE).end());
    const { apps } = door.access.app.rest;
    expect(await apps.redeliverWebhookDelivery({ delivery_id: 9 })).toMatchObject({ status: 202 });
  });

  it('that has no body is one', async () => {
    answer(
      'POST /repos/acme/orders/actions/workflows/maestro.yml/dispatches',
      (response) => void response.writeHead(204).end(),
    );
    const octokit = await door.access.installation(7);
    const place = { ...REPOSITORY, workflow_id: 'maestro.yml', ref: 'main' };
    expect(await octokit.rest.actions.createWorkflowDispatch(place)).toMatchObject({ status: 204 });
  });

  it('that is packed is unpacked, and tells its other headers and where it came from', async () => {
    answer(REPO, (response, body) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip', link: '<x>; rel="next"' });
      response.end(gzipSync(body));
    });
    const octokit = await door.access.installation(7);
    const { data, headers, url } = await octokit.rest.repos.get(REPOSITORY);
    expect(data).toMatchObject({ id: 11 });
    expect(headers).toMatchObject({ link: '<x>; rel="next"' });
    expect(headers).not.toHaveProperty('content-encoding');
    expect(new URL(url).pathname).toBe('/repos/acme/orders');
  });

  it('that a token is not taken any more ends its use, though its hour is not over', async () => {
    await read();
    // Octokit itself asks again with a token that is younger than five seconds.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6000 });
    answer(REPO, (response) => void response.writeHead(401, JSON_TYPE).end('{"message":"Bad credentials"}'));
    expect(await failing(read())).toMatchObject({ status: 401 });
    expect(await read()).toMatchObject({ id: 11 });
    expect(seen.at(-1)).toEqual({ call: REPO, authorization: 'token ghs_2' });
  });
});
