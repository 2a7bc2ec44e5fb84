import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { Probot } from 'probot';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { maestroApp, type VerifiedWebhook } from '../../../../app/app.ts';
import { webhookDoor } from '../../../../app/server/webhook-door.ts';

const SECRET = 'a secret of this test alone';
const EXAMPLES = createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json') as readonly {
  readonly name: string;
  readonly examples: readonly object[];
}[];

const received: VerifiedWebhook[] = [];
const refused: string[] = [];
let failure: Error | undefined;
let now = 1_790_000_000_000;
let server: Server;
let url: string;

beforeAll(async () => {
  const probot = new Probot({
    appId: 1,
    privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs1',
      format: 'pem',
    }) as string,
    secret: SECRET,
    log: pino({ level: 'silent' }),
  });
  await probot.load(
    maestroApp(async (webhook) => {
      if (failure) throw failure;
      received.push(webhook);
    }),
    { cwd: '/', addHandler: () => {} },
  );
  const door = webhookDoor(probot, (reason) => refused.push(reason), {
    clock: { now: () => now },
    isBehindProxy: true,
  });
  server = createServer((request, response) => void door(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/github/webhooks`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  received.length = 0;
  refused.length = 0;
  failure = undefined;
  now += 3_600_000;
});

function sign(body: string, secret = SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': sign(body),
      ...headers,
    },
  });
}

describe('the webhook door', () => {
  it('takes every payload that GitHub publishes as an example, as it is', async () => {
    let count = 0;
    for (const { name, examples } of EXAMPLES) {
      for (const example of examples) {
        const body = JSON.stringify(example);
        const answer = await post(body, { 'x-github-event': name });
        expect({ name, status: answer.status }).toEqual({ name, status: 202 });
        expect(received.at(-1)).toMatchObject({ name, payload: JSON.parse(body) as object });
        count++;
      }
    }
    expect(count).toBe(329);
  });

  it.each([
    ['a wrong signature', { 'x-hub-signature-256': sign('{}', 'another secret') }, 401],
    ['no signature', { 'x-hub-signature-256': '' }, 401],
    ['a signature of the old kind', { 'x-hub-signature-256': 'sha1=0123456789012345678901234567890123456789' }, 401],
    ['no event', { 'x-github-event': '' }, 400],
    ['a strange event', { 'x-github-event': '../push' }, 400],
    ['a strange delivery id', { 'x-github-delivery': 'a b' }, 400],
  ])('refuses %s and stores nothing', async (_, headers, status) => {
    expect((await post('{"ref":"refs/heads/main"}', headers)).status).toBe(status);
    expect(received).toEqual([]);
    expect(refused).toHaveLength(1);
  });

  it.each(['{"ref":', '[]', '"text"', 'null'])('refuses %j, which is signed but no JSON object', async (body) => {
    expect((await post(body)).status).toBe(400);
    expect(received).toEqual([]);
  });

  it('refuses a body beyond 25 MB by its announced size, without reading it', async () => {
    const sent = request(url, {
      method: 'POST',
      headers: {
        'content-length': String(26 * 1_048_576),
        'x-github-event': 'push',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': sign(''),
      },
    });
    sent.on('error', () => {});
    sent.write('{');
    const [answer] = (await once(sent, 'response')) as [{ statusCode: number }];
    sent.destroy();
    expect(answer.statusCode).toBe(413);
    expect(received).toEqual([]);
  });

  it('takes a body of exactly 25 MB, as it streams in, and answers 413 for one byte more', async () => {
    const [head, tail] = ['{"text":"', '"}'];
    const body = `${head}${'x'.repeat(25 * 1_048_576 - head.length - tail.length)}${tail}`;
    const stream = async (text: string): Promise<number> => {
      const headers = {
        'x-github-event': 'push',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': sign(text),
      };
      const sent = request(url, { method: 'POST', headers });
      const answered = once(sent, 'response') as Promise<[{ statusCode: number }]>;
      sent.on('error', () => {});
      // Written first, so that its size is not announced.
      sent.write(text);
      sent.end();
      return (await answered)[0].statusCode;
    };
    expect(await stream(body)).toBe(202);
    expect(received.at(-1)).toMatchObject({ payload: { text: expect.any(String) as string } });
    expect(await stream(` ${body}`)).toBe(413);
    expect(received).toHaveLength(1);
  });

  it('takes nothing of a body whose sender goes away', async () => {
    const headers = { 'x-github-event': 'push', 'x-github-delivery': randomUUID(), 'x-hub-signature-256': sign('{}') };
    const sent = request(url, { method: 'POST', headers: { ...headers, 'content-length': '100' } });
    sent.on('error', () => {});
    sent.write('{', () => setImmediate(() => sent.destroy()));
    await expect.poll(() => refused).toEqual(['the sender went away, or was too slow, before the body was whole']);
    expect(received).toEqual([]);
  });

  it('answers 500 where the inbox cannot take it, so that GitHub records a failed delivery', async () => {
    failure = new Error('the database is away');
    expect((await post('{}')).status).toBe(500);
    expect(received).toEqual([]);
  });

  it('turns an address away whose deliveries do not hold, before it reads any more, and no other one', async () => {
    const bad = { 'x-hub-signature-256': sign('{}', 'another secret') };
    const from = (address: string, headers: Record<string, string> = {}) =>
      post('{}', { 'x-forwarded-for': `10.9.8.7, ${address}`, ...headers });
    const statuses: number[] = [];
    for (let i = 0; i < 202; i++) statuses.push((await from('203.0.113.7', bad)).status);
    expect(statuses).toEqual([...Array.from({ length: 200 }, () => 401), 429, 429]);
    expect(refused).toHaveLength(200);
    const answer = await from('203.0.113.7');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await from('203.0.113.8')).status).toBe(202);
    now += 1000;
    expect((await from('203.0.113.7')).status).toBe(202);
  });

  it('does not turn away whoever delivered for us, though strangers send what is not by way of them', async () => {
    const bad = { 'x-hub-signature-256': sign('{}', 'another secret') };
    const from = (headers: Record<string, string> = {}) =>
      post('{}', { 'x-forwarded-for': '203.0.113.20', ...headers });
    expect((await from()).status).toBe(202);
    for (let i = 0; i < 250; i++) expect((await from(bad)).status).toBe(401);
    expect((await from()).status).toBe(202);
    now += 3_600_001;
    for (let i = 0; i < 250; i++) await from(bad);
    expect((await from(bad)).status).toBe(429);
  });

  it('counts nothing against who delivers what holds', async () => {
    for (let i = 0; i < 300; i++) expect((await post('{}')).status).toBe(202);
  });

  it('answers only POST', async () => {
    expect((await fetch(url)).status).toBe(405);
  });
});
