import { gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../../src/base/error-codes.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import { Door } from './door.ts';

const HELLO = {
  dispatchId: '01run',
  name: 'job',
  capacity: 2,
  isolation: 'user',
  key: 'k'.repeat(43),
};
const JOB = { token: 'good' };
const LOGS = '/api/v1/steps/1.0/logs';
const chunks = (text: string) => ({ fence: 1, chunks: [{ seq: 0, text }] });

describe('the routes for workers', () => {
  let door: Door;
  beforeEach(async () => {
    door = await new Door().open();
  });
  afterEach(() => door.close());

  it('make a job a worker, whose token opens the others', async () => {
    const registered = await door.call('/api/v1/workers:register', HELLO, JOB);
    expect(registered).toMatchObject({
      status: 200,
      body: { run: '01run', class: 'linux', session: { workerId: 1 }, checkout: { owner: 'ada' } },
    });
    expect(door.conductor.hellos).toEqual([
      { name: 'job', runners: ['linux'], capacity: 2, run: '01run', isolation: 'user' },
    ]);
    const token = String(registered.body.sessionToken);
    expect([...door.sessions.keys()].join()).not.toContain(token);
    expect(await door.call('/api/v1/leases:renew', { held: [] }, { token })).toMatchObject({
      status: 200,
      body: { lost: [] },
    });
  });

  it('start a run for a job of a user’s own workflow', async () => {
    const { dispatchId: _, ...hello } = HELLO;
    const answer = await door.call('/api/v1/runs', { ...hello, pipeline: 'build', params: { env: 'staging' } }, JOB);
    expect(answer).toMatchObject({ status: 200, body: { run: '01new', class: '*' } });
    expect(door.started).toMatchObject([{ request: { pipeline: 'build', params: { env: 'staging' } } }]);
  });

  it('show a job its own run and no other', async () => {
    const init = { method: 'GET', body: null };
    expect(await door.call('/api/v1/runs/01run', null, init)).toMatchObject({ status: 200, body: { id: '01run' } });
    expect(await door.call('/api/v1/runs/01other', null, init)).toMatchObject({
      status: 404,
      body: { code: 'RUN_NOT_FOUND' },
    });
  });

  it.each<[string, () => string | undefined]>([
    ['none', () => ''],
    ['an unknown one', () => `mws_${'a'.repeat(43)}`],
    ['one that has expired', () => door.token({ expiresAt: door.now })],
    ['something else', () => 'ghp_0123456789'],
  ])('refuse a call whose token is %s, before its body is read', async (_case, token) => {
    const answer = await door.call('/api/v1/leases:acquire', 'no object', { token: token() ?? '' });
    expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it.each<[string, string, unknown]>([
    ['a field that nobody knows', '/api/v1/leases:acquire', { room: 1, waitMs: 0, rooms: 2 }],
    ['a field that is missing', '/api/v1/leases:acquire', { room: 1 }],
    ['room for nobody', '/api/v1/leases:acquire', { room: 0, waitMs: 0 }],
    ['a fence that is no number', '/api/v1/steps/1.0:complete', { fence: '1', outcome: { kind: 'succeeded' } }],
    ['an outcome that nobody knows', '/api/v1/steps/1.0:complete', { fence: 1, outcome: { kind: 'won' } }],
    ['a secret in an outcome', '/api/v1/steps/1.0:complete', { fence: 1, outcome: { kind: 'failed', token: 'x' } }],
    ['a step that is none', '/api/v1/leases:renew', { held: [{ stepId: '1.0;drop', fence: 1 }] }],
    [
      'too many steps',
      '/api/v1/leases:renew',
      { held: Array.from({ length: 5000 }, () => ({ stepId: '1.0', fence: 1 })) },
    ],
    ['a list', '/api/v1/workers:signals', []],
    ['a key that can be guessed', '/api/v1/workers:register', { ...HELLO, key: 'k' }],
    ['an isolation of its own', '/api/v1/workers:register', { ...HELLO, isolation: 'vm' }],
  ])('refuse %s, and name the place', async (_case, path, body) => {
    const answer = await door.call(path, body, path.endsWith(':register') ? JOB : {});
    expect(answer).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID', status: 400 } });
    expect(answer.body.detail).toMatch(/^body/);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-request-id')).toMatch(/^request-/);
  });

  it('refuse what is no JSON, and quote nothing of it', async () => {
    const answer = await door.call('/api/v1/workers:register', null, { ...JOB, body: '{"key":"eyJsecret' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_JSON' } });
    expect(JSON.stringify(answer.body)).not.toContain('eyJsecret');
    const form = await door.call('/api/v1/workers:register', null, {
      ...JOB,
      body: 'a=b',
      headers: { 'content-type': 'text/plain' },
    });
    expect(form.body.code).toBe('REQUEST_INVALID');
  });

  it('refuse bodies beyond their limit, also packed ones', async () => {
    const long = { ...HELLO, name: 'x'.repeat(70_000) };
    expect(await door.call('/api/v1/workers:register', long, JOB)).toMatchObject({
      status: 413,
      body: { code: 'REQUEST_TOO_LARGE' },
    });
    const bomb = gzipSync(JSON.stringify(chunks('0'.repeat(60_000_000))));
    expect(bomb.byteLength).toBeLessThan(100_000);
    const headers = { 'content-encoding': 'gzip' };
    expect(await door.call(LOGS, null, { body: bomb, headers })).toMatchObject({ status: 413 });
    expect(door.conductor.logs).toEqual([]);
    const elsewhere = await door.call('/api/v1/leases:renew', null, { body: gzipSync('{"held":[]}'), headers });
    expect(elsewhere.body.code).toBe('REQUEST_INVALID');
    const torn = await door.call(LOGS, null, {
      body: gzipSync(JSON.stringify(chunks('text'))).subarray(0, 30),
      headers,
    });
    expect(torn.body.code).toBe('REQUEST_INVALID');
  });

  it('take packed logs', async () => {
    const body = gzipSync(JSON.stringify(chunks('✓ done\n')));
    expect(await door.call(LOGS, null, { body, headers: { 'content-encoding': 'gzip' } })).toMatchObject({
      status: 200,
    });
    expect(door.conductor.logs).toEqual([{ stepId: '1.0', fence: 1, seq: 0, text: '✓ done\n' }]);
  });

  it('limit what one address may register, and say when to come again', async () => {
    const codes = new Map<number, number>();
    const knock = () => door.call('/api/v1/workers:register', HELLO, { token: 'bad' });
    let last = await knock();
    for (let i = 0; i < 200; i++) {
      last = await knock();
      codes.set(last.status, (codes.get(last.status) ?? 0) + 1);
    }
    expect(Object.fromEntries(codes)).toEqual({ 401: 199, 429: 1 });
    expect(last.headers.get('retry-after')).toBe('1');
    door.now += 1000;
    expect((await door.call('/api/v1/workers:register', HELLO, JOB)).status).toBe(200);
  });

  it('limit what one session may call, and not the others', async () => {
    const [one, other] = [door.token({ workerId: 1 }), door.token({ workerId: 2 })];
    const secrets = async (token: string) =>
      (await door.call('/api/v1/steps/1.0/secrets', { fence: 1 }, { token })).status;
    let last = 0;
    for (let i = 0; i < 450 && last !== 429; i++) last = await secrets(one);
    expect(last).toBe(429);
    expect(await secrets(other)).not.toBe(429);
    const renew = async () => (await door.call('/api/v1/leases:renew', { held: [] }, { token: one })).status;
    // By those it keeps what it holds: they are counted apart.
    expect(await renew()).toBe(200);
    const renewed: number[] = [];
    for (let i = 0; i < 150; i++) renewed.push(await renew());
    expect(renewed).toContain(429);
  });

  it('keep secrets from workers whose steps run as themselves', async () => {
    door.conductor.secretValues.TOKEN = 'v';
    const ask = (isolation: 'none' | 'process' | 'user' | 'container') =>
      door.call('/api/v1/steps/1.0/secrets', { fence: 1 }, { token: door.token({ isolation }) });
    for (const isolation of ['none', 'process'] as const) {
      const refused = await ask(isolation);
      expect(refused).toMatchObject({ status: 403, body: { code: 'POLICY_DENIED' } });
      expect(refused.body.detail).toContain('as another user or in a container');
    }
    for (const isolation of ['user', 'container'] as const)
      expect(await ask(isolation)).toMatchObject({ status: 200, body: { values: { TOKEN: 'v' } } });
  });

  it('never let a worker end a step of another one', async () => {
    door.mayEnd = (stepId) => stepId === '1.1';
    const outcome = { kind: 'succeeded' };
    const completions = ['1.0', '1.1', '2.0'].map((stepId) => ({ stepId, fence: 1, outcome }));
    const answer = await door.call('/api/v1/leases:complete', { completions, room: 0 });
    expect(answer.body).toEqual({ answers: ['lost', 'lost', 'lost'], leases: [] });
    expect(door.conductor.completeSizes).toEqual([1]);
    expect(await door.call('/api/v1/steps/1.0:complete', { fence: 1, outcome })).toMatchObject({
      status: 409,
      body: { code: 'LEASE_LOST' },
    });
  });

  it('tell a worker to go when nothing is left for it', async () => {
    door.hasWork = false;
    expect((await door.call('/api/v1/workers:signals', { waitMs: 20_000 })).body).toEqual({
      signals: [{ type: 'drain' }],
    });
  });

  it('let go of a held call when its caller goes away', async () => {
    const ended = new Promise<void>((end) => {
      door.conductor.acquire = (_worker, _room, _waitMs, signal) =>
        new Promise((resolve) => {
          patience.abort();
          signal.addEventListener('abort', () => {
            end();
            resolve([]);
          });
        });
    });
    const patience = new AbortController();
    await expect(
      door.call('/api/v1/leases:acquire', { room: 1, waitMs: 20_000 }, { signal: patience.signal }),
    ).rejects.toThrow('aborted');
    await ended;
  });

  it('let go of held calls when the server goes, and send callers elsewhere', async () => {
    const held = new Promise<void>((resolve) => {
      door.conductor.beforeCall = () => resolve();
    });
    const waiting = door.call('/api/v1/leases:acquire', { room: 1, waitMs: 20_000 });
    await held;
    door.closing.abort();
    const answer = await waiting;
    expect(answer).toMatchObject({ status: 200, body: { leases: [] } });
    expect(answer.headers.get('connection')).toBe('close');
    const next = await door.call('/api/v1/leases:acquire', { room: 1, waitMs: 20_000 });
    expect(next).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(next.headers.get('retry-after')).toBe('1');
    expect((await door.call('/api/v1/leases:renew', { held: [] })).status).toBe(200);
  });

  it('tell nothing of what they did not mean to say, but where to look', async () => {
    door.conductor.beforeCall = () => {
      throw new Error('connect ECONNREFUSED postgres://maestro:hunter2@db');
    };
    const answer = await door.call('/api/v1/leases:renew', { held: [] });
    expect(answer).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    expect(answer.body.detail).toContain(answer.headers.get('x-request-id'));
    expect(door.errors).toHaveLength(1);
  });

  it('answer every code of the table with a status that means failure', async () => {
    for (const code of Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[]) {
      door.conductor.beforeCall = () => {
        throw new MaestroError(code, 'as the test wants');
      };
      door.now += 1000;
      const answer = await door.call('/api/v1/leases:renew', { held: [] });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.body).toMatchObject({ code, detail: 'as the test wants', nextStep: ERROR_CODES[code].nextStep });
    }
  });

  it('refuse paths and methods that are none of theirs', async () => {
    for (const path of [
      '/api/v1/nothing',
      '/api/v1/steps/1.0',
      '/api/v1/steps/1.0:explode',
      '/api/v1/steps/1/logs',
      '/api/v2/runs',
    ])
      expect(await door.call(path, {})).toMatchObject({ status: 404, body: { code: 'ROUTE_NOT_FOUND' } });
    expect(await door.call('/api/v1/leases:acquire', null, { method: 'DELETE', body: null })).toMatchObject({
      status: 404,
    });
  });

  it('say whether the server lives, and whether it works', async () => {
    const get = { method: 'GET', body: null, token: '' };
    expect(await door.call('/healthz', null, get)).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await door.call('/readyz', null, get)).toMatchObject({ status: 200 });
    door.troubles = ['the database does not answer'];
    expect((await door.call('/readyz', null, get)).status).toBe(200);
    door.now += 1000;
    const answer = await door.call('/readyz', null, get);
    expect(answer).toMatchObject({ status: 503 });
    expect(answer.body.detail).toContain('the database does not answer');
    expect((await door.call('/healthz', null, get)).status).toBe(200);
  });
});

describe('the document of the routes', () => {
  it('shows every route with schemas that are valid, under an id of its own', async () => {
    const door = await new Door().open();
    const { body } = await door.call('/api/v1/openapi.json', null, { method: 'GET', body: null });
    await door.close();
    expect(body).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    expect(Object.keys(body.paths).sort()).toEqual([
      '/api/v1/evidence/checkpoint',
      '/api/v1/evidence/consistency',
      '/api/v1/evidence/key',
      '/api/v1/evidence/leaves',
      '/api/v1/evidence/proof',
      '/api/v1/evidence/tlog-proof',
      '/api/v1/leases:acquire',
      '/api/v1/leases:complete',
      '/api/v1/leases:renew',
      '/api/v1/runs',
      '/api/v1/runs/{run}',
      '/api/v1/runs/{run}/disclosure.tgz',
      '/api/v1/runs/{run}/manifest',
      '/api/v1/runs/{run}/release-gate',
      '/api/v1/runs/{run}:approve',
      '/api/v1/runs/{run}:deny',
      '/api/v1/runs/{run}:revoke',
      '/api/v1/steps/{stepId}/artifacts',
      '/api/v1/steps/{stepId}/artifacts/{digest}',
      '/api/v1/steps/{stepId}/artifacts:find',
      '/api/v1/steps/{stepId}/attestations',
      '/api/v1/steps/{stepId}/cache',
      '/api/v1/steps/{stepId}/cache:read',
      '/api/v1/steps/{stepId}/events',
      '/api/v1/steps/{stepId}/logs',
      '/api/v1/steps/{stepId}/secrets',
      '/api/v1/steps/{stepId}:complete',
      '/api/v1/workers:leave',
      '/api/v1/workers:register',
      '/api/v1/workers:signals',
      '/healthz',
      '/readyz',
    ]);
    const operations = Object.values(body.paths as Record<string, Record<string, Operation>>).flatMap((path) =>
      Object.values(path),
    );
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { operationId, requestBody, responses } of operations) {
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/);
      for (const content of [requestBody?.content, responses['200'].content])
        for (const schema of Object.values(content ?? {}))
          new Ajv2020({ formats: { binary: true } }).compile(schema.schema);
    }
  });
});

interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Content };
  readonly responses: { readonly '200': { readonly content: Content } };
}
type Content = Record<string, { readonly schema: object }>;
