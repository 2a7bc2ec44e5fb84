import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MaestroError } from '../../../src/base/errors.ts';
import { openHttpLeaseClient, type ShownJob } from '../../../src/worker/http-lease-client.ts';

const HELD = { stepId: '1.0', fence: 1 } as const;
const JOB: ShownJob = {
  identityToken: 'identity',
  hello: { dispatchId: 'd', name: 'n', capacity: 1, isolation: 'user' },
};
const REGISTERED = {
  sessionToken: 'mws_token',
  session: { workerId: 3, renewEveryMs: 10, expireAfterMs: 20 },
  run: '01run',
  class: '*',
  checkout: { owner: 'ada', repo: 'engine', sha: 'a' },
};

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;
const json =
  (status: number, body: object): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const cut: Answer = (response) => response.destroy();

describe('a client of the worker protocol', () => {
  let server: Server;
  let url: string;
  let answers: Answer[];
  let asked: { readonly path: string; readonly authorization: string | undefined }[];
  let pauses: number[];
  let now: number;

  beforeEach(async () => {
    [answers, asked, pauses] = [[], [], []];
    now = 1_790_000_000_000;
    server = createServer((request, response) => {
      asked.push({ path: request.url ?? '', authorization: request.headers.authorization });
      if (request.url !== '/api/v1/workers:register') request.resume();
      void (answers.shift() ?? cut)(response, request);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    await new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    });
  });
  const client = (show = async (): Promise<ShownJob> => JOB) =>
    openHttpLeaseClient({
      url,
      register: show,
      random: () => 1,
      pause: async (ms) => void pauses.push(ms),
      clock: { now: () => now },
    });
  /** Takes its time before the connection breaks. */
  const slow =
    (ms: number): Answer =>
    (response) => {
      now += ms;
      response.destroy();
    };

  it.each([
    'http://maestro.example.com',
    'http://10.0.0.1:8080',
    'http://127.0.0.1.example.com',
    'ftp://localhost',
    'https://a:b@x',
  ])('does not speak to %s, where a secret could be overheard or sent along', (far) => {
    expect(() => openHttpLeaseClient({ url: far, register: async () => JOB })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('registers once, whoever asks, and never a second time by itself', async () => {
    answers.push(json(200, REGISTERED));
    const one = client();
    expect(await Promise.all([one.open(), one.open()])).toEqual([REGISTERED, REGISTERED]);
    const hello = { name: 'n', runners: [], capacity: 1 };
    expect(await one.register(hello)).toEqual(REGISTERED.session);
    await expect(one.register(hello)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(asked).toEqual([{ path: '/api/v1/workers:register', authorization: 'Bearer identity' }]);
  });

  it('registers again where the server was not reached or its answer was lost, with the same key each time', async () => {
    const keys: string[] = [];
    const noteKey =
      (answer: Answer): Answer =>
      async (response, request) => {
        keys.push(((await readJson(request)) as { readonly key: string }).key);
        answer(response, request);
      };
    answers.push(cut, noteKey(cut), noteKey(json(503, {})), noteKey(json(200, REGISTERED)));
    const one = client();
    expect(await one.open()).toEqual(REGISTERED);
    expect(pauses).toEqual([100, 200, 400]);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('repeats what is safe to repeat, ever more slowly, until the server is back', async () => {
    const busy = { code: 'RATE_LIMITED', detail: 'too many calls', status: 429 };
    answers.push(json(200, REGISTERED), cut, json(503, {}), json(429, busy), json(200, { values: { A: 'b' } }));
    const one = client();
    await one.open();
    expect(await one.secrets(3, HELD)).toEqual({ A: 'b' });
    expect(pauses).toEqual([100, 200, 400]);
    expect(new Set(asked.slice(1).map(({ authorization }) => authorization))).toEqual(new Set(['Bearer mws_token']));
  });

  it('gives up after a while', async () => {
    await expect(client().open()).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(85_000);
    pauses.length = 0;
    await expect(client().secrets(3, HELD)).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(85_000);
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(100_000);
  });

  it('counts the time of tries as well: a server that only takes calls is not waited for twenty times', async () => {
    for (let i = 0; i < 20; i++) answers.push(slow(30_000));
    await expect(client().secrets(3, HELD)).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    expect(asked).toHaveLength(3);
  });

  it('does not repeat what the server refused', async () => {
    for (const code of ['POLICY_DENIED', 'LEASE_LOST', 'UNAUTHENTICATED']) {
      answers.push(json(403, { code, detail: 'no' }));
      await expect(client().secrets(3, HELD)).rejects.toMatchObject({ code, message: 'no' });
    }
    expect(pauses).toEqual([]);
  });

  it('leaves to the worker’s loop what the loop repeats, and never tells a remark twice', async () => {
    const { signal } = new AbortController();
    const one = client();
    for (const call of [
      () => one.acquire(3, 1, 0, signal),
      () => one.renew(3, []),
      () => one.complete(3, [], 0),
      () => one.signals(3, 0, signal),
      () => one.annotate(3, HELD, []),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    expect(asked).toHaveLength(5);
    expect(pauses).toEqual([]);
  });

  it('sends no token after a redirect, and takes no page for an answer', async () => {
    answers.push((response) => response.writeHead(307, { location: `${url}/elsewhere` }).end());
    await expect(client().renew(3, [])).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    answers.push((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'));
    await expect(client().renew(3, [])).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    expect(asked.map(({ path }) => path)).toEqual(['/api/v1/leases:renew', '/api/v1/leases:renew']);
  });

  it('sends no batch that the server would refuse for its size', async () => {
    const outcome = { kind: 'failed', message: 'x'.repeat(1_000_000) } as const;
    const completions = Array.from({ length: 40 }, (_, i) => ({ stepId: `1.${i}` as const, fence: 1, outcome }));
    await expect(client().complete(3, completions, 0)).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
    expect(asked).toEqual([]);
  });

  describe('content', () => {
    const sha = `sha256:${'0'.repeat(64)}`;
    const reset: Answer = (response, request) => request.once('data', () => response.destroy());
    /** Reads to the end and says how much it was. */
    const store: Answer = async (response, request) => {
      let sizeBytes = 0;
      for await (const part of request) sizeBytes += (part as Buffer).byteLength;
      json(200, { digest: sha, sizeBytes })(response, request);
    };
    const busy =
      (retryAfterS: string): Answer =>
      (response) =>
        response
          .writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': retryAfterS })
          .end(JSON.stringify({ code: 'RATE_LIMITED', detail: 'too many calls' }));
    const parts = async function* () {
      for (let i = 0; i < 50; i++) yield Buffer.alloc(65_536);
    };
    const content: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: parts };

    it('is sent from its beginning each time, until the server has all of it', async () => {
      answers.push(reset, busy('1'), json(503, {}), store);
      expect(await client().putBlob(3, HELD, content)).toEqual({ digest: sha, sizeBytes: 50 * 65_536 });
      expect(asked).toHaveLength(4);
    });

    it('is held back as long as the server says, but not for ever', async () => {
      answers.push(busy('3'), busy('86400'), busy('soon'), store);
      await client().putBlob(3, HELD, content);
      expect(pauses).toEqual([4500, 45_000, 400]);
    });

    it('is given up after a while', async () => {
      for (let i = 0; i < 200; i++) answers.push(reset);
      await expect(client().putBlob(3, HELD, content)).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
      expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(85_000);
      expect(asked.length).toBeLessThan(30);
    });

    describe('that is large', () => {
      const large: AsyncIterable<Uint8Array> = {
        async *[Symbol.asyncIterator]() {
          // As a file is read: between its parts, others have their turn.
          for (let i = 0; i < 100; i++) {
            await setImmediate();
            yield Buffer.alloc(65_536);
          }
        },
      };
      /** Breaks when it has nearly all of it. */
      const late: Answer = async (response, request) => {
        let sizeBytes = 0;
        for await (const part of request) if ((sizeBytes += (part as Buffer).byteLength) > 90 * 65_536) break;
        response.destroy();
      };

      it('is sent three times, with a pause in which a server is replaced', async () => {
        for (let i = 0; i < 9; i++) answers.push(late);
        await expect(client().putBlob(3, HELD, large)).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
        expect(asked).toHaveLength(3);
        expect(pauses).toEqual([15_000, 15_000]);
      });

      it('is put off as often as the server asks for it, and for tries that never got so far', async () => {
        answers.push(late, busy('1'), cut, busy('2'), cut, busy('1'), busy('1'), late, store);
        expect((await client().putBlob(3, HELD, large)).sizeBytes).toBe(100 * 65_536);
        expect(asked).toHaveLength(9);
      });

      it('may take a quarter of an hour in all its tries, and a try that has begun as long as it takes', async () => {
        const slowly: Answer = (response, request) => {
          now += 850_000;
          return store(response, request);
        };
        answers.push(slow(850_000), slowly);
        expect((await client().putBlob(3, HELD, large)).sizeBytes).toBe(100 * 65_536);
        for (let i = 0; i < 9; i++) answers.push(slow(500_000));
        await expect(client().putBlob(3, HELD, large)).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
        expect(asked).toHaveLength(2 + 2);
      });
    });

    it('is read no further than it is sent once its call has failed', async () => {
      let reads = 0;
      const counted = {
        async *[Symbol.asyncIterator]() {
          for (; ; reads++) {
            await setImmediate();
            yield Buffer.alloc(65_536);
          }
        },
      };
      answers.push(busy('1'), (response) => response.writeHead(403).end('{"code":"LEASE_LOST"}'));
      await expect(client().putBlob(3, HELD, counted)).rejects.toMatchObject({ code: 'LEASE_LOST' });
      const before = reads;
      for (let i = 0; i < 20; i++) await setImmediate();
      expect(reads).toBeLessThanOrEqual(before + 1);
    });

    it('is given up when its attempt is stopped, and not begun after that', async () => {
      const stop = new AbortController();
      // Takes the first bytes, and then nothing more.
      answers.push((_, request) => request.pause() && stop.abort('cancelled'));
      const endless = {
        [Symbol.asyncIterator]: async function* () {
          for (;;) yield Buffer.alloc(65_536);
        },
      };
      await expect(client().putBlob(3, HELD, endless, stop.signal)).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
      await expect(client().putBlob(3, HELD, content, stop.signal)).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
      await expect(client().getBlob(3, HELD, sha as never, stop.signal)).rejects.toMatchObject({
        code: 'NETWORK_FAILED',
      });
      expect(asked).toHaveLength(1);
      expect(pauses).toEqual([]);
    });

    it('that can be read once is not sent a second time once it has begun to', async () => {
      answers.push(reset, store);
      await expect(client().putBlob(3, HELD, parts())).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
      expect(asked).toHaveLength(1);
      expect(pauses).toEqual([]);
    });

    it('that cannot be read says so itself, and is not sent again', async () => {
      for (const error of [new MaestroError('SECRET_IN_ARTIFACT', 'found one'), new Error('EACCES')]) {
        answers.push((_, request) => request.on('error', () => {}));
        const broken = async function* () {
          yield Buffer.alloc(65_536);
          throw error;
        };
        const sent = client().putBlob(3, HELD, { [Symbol.asyncIterator]: broken });
        await expect(sent).rejects.toBe(error);
      }
      expect(pauses).toEqual([]);
    });
  });
});
