import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BodyBudget } from '../../../src/api/body-budget.ts';
import { HELD_AT_ONCE_MAX, RUN_READS_AT_ONCE_MAX, RUN_READS_OF_ALL_MAX } from '../../../src/api/limits.ts';
import { RateLimit } from '../../../src/api/rate-limit.ts';
import { streamAnswer } from '../../../src/api/stream-answer.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import { HELD_MAX } from '../../../src/protocol/wire/schema.ts';
import { Door } from './door.ts';

const GET = { method: 'GET', body: null };
const unknown = (): string => `mws_${randomBytes(32).toString('base64url')}`;

describe('a server whose callers are hostile', () => {
  let door: Door;
  let looks: number;
  beforeEach(async () => {
    looks = 0;
    door = await new Door().open({ addressOf: (request) => request.headers.get('x-from') ?? 'somewhere' });
  });
  afterEach(() => door.close());

  const from = (address: string, token: string, path = '/api/v1/leases:renew') =>
    door.call(path, { held: [] }, { token, headers: { 'x-from': address } });

  it('reads no body of a job that has not shown who it is', async () => {
    const { port } = new URL(door.url);
    const told = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1');
      // Announces a megabyte, and sends nothing of it.
      socket.write(
        'POST /api/v1/runs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\nauthorization: Bearer bad\r\n\r\n',
      );
      socket.once('data', (data) => {
        resolve(data.toString());
        socket.destroy();
      });
    });
    expect(told).toMatch(/^HTTP\/1.1 401 /);
    expect(door.started).toEqual([]);
  });

  it('looks no token up for an address that has brought too many that do not hold', async () => {
    await door.close();
    door = await new Door().open({
      addressOf: (request) => request.headers.get('x-from') ?? 'somewhere',
      sessions: { ...door.tools.sessions, find: async () => void looks++ },
    });
    const statuses = new Set<number>();
    for (let i = 0; i < 250; i++) statuses.add((await from('203.0.113.7', unknown())).status);
    expect([...statuses]).toEqual([401, 429]);
    expect(looks).toBe(200);
    expect((await from('203.0.113.8', unknown())).status).toBe(401);
  });

  it('lets sessions work that share an address with somebody like that', async () => {
    const [known, fresh] = [door.token({ workerId: 1 }), door.token({ workerId: 2 })];
    expect((await from('203.0.113.7', known)).status).toBe(200);
    for (let i = 0; i < 210; i++) await from('203.0.113.7', 'no token');
    expect((await from('203.0.113.7', known)).status).toBe(200);
    expect((await from('203.0.113.7', fresh)).status).toBe(429);
    door.now += 1000;
    for (let i = 0; i < 100; i++) expect((await from('203.0.113.7', fresh)).status).toBe(200);
  });

  it.each(['/api/v1/openapi.json', '/readyz', '/api/v1/nothing'])('limits what strangers ask of %s', async (path) => {
    let last = await door.call(path, null, { ...GET, token: '' });
    for (let i = 0; i < 200; i++) last = await door.call(path, null, { ...GET, token: '' });
    expect(last).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    // Whoever watches the process kills it where this does not answer.
    expect((await door.call('/healthz', null, { ...GET, token: '' })).status).toBe(200);
  });

  it('looks at its own health once a second', async () => {
    await door.close();
    door = await new Door().open({ troubles: async () => (looks++, []) });
    for (let i = 0; i < 10; i++) await door.call('/readyz', null, { ...GET, token: '' });
    expect(looks).toBe(1);
    door.now += 1000;
    await door.call('/readyz', null, { ...GET, token: '' });
    expect(looks).toBe(2);
  });

  it('holds a handful of calls open for one session', async () => {
    const token = door.token();
    const patience = new AbortController();
    const entered = new Promise<void>((resolve) => {
      let count = 0;
      door.conductor.beforeCall = () => ++count === HELD_AT_ONCE_MAX && resolve();
    });
    const hold = () =>
      door.call('/api/v1/leases:acquire', { room: 1, waitMs: 20_000 }, { token, signal: patience.signal });
    const waiting = Array.from({ length: HELD_AT_ONCE_MAX }, () => hold().catch(() => 'given up'));
    await entered;
    expect(await hold()).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect((await door.call('/api/v1/leases:renew', { held: [] }, { token })).status).toBe(200);
    patience.abort();
    await Promise.all(waiting);
    door.conductor.acquire = async () => [];
    await expect
      .poll(async () => (await door.call('/api/v1/leases:acquire', { room: 1, waitMs: 0 }, { token })).status)
      .toBe(200);
  });

  it('loads a run for one session only so often at once', async () => {
    await door.close();
    const doors: (() => void)[] = [];
    door = await new Door().open({ readRun: () => new Promise((resolve) => doors.push(() => resolve({} as never))) });
    const token = door.token();
    const read = () => door.call('/api/v1/runs/01run', null, { ...GET, token });
    const reading = Array.from({ length: RUN_READS_AT_ONCE_MAX }, read);
    await expect.poll(() => doors.length).toBe(RUN_READS_AT_ONCE_MAX);
    expect((await read()).status).toBe(429);
    for (const end of doors) end();
    expect((await Promise.all(reading)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('loads runs for all sessions only so often at once', async () => {
    await door.close();
    const doors: (() => void)[] = [];
    door = await new Door().open({ readRun: () => new Promise((resolve) => doors.push(() => resolve({} as never))) });
    const tokens = Array.from({ length: RUN_READS_OF_ALL_MAX + 1 }, (_, workerId) => door.token({ workerId }));
    const read = (token: string | undefined) => door.call('/api/v1/runs/01run', null, { ...GET, token: token ?? '' });
    const reading = tokens.slice(1).map(read);
    await expect.poll(() => doors.length).toBe(RUN_READS_OF_ALL_MAX);
    expect((await read(tokens[0])).status).toBe(429);
    for (const end of doors) end();
    expect(new Set((await Promise.all(reading)).map(({ status }) => status))).toEqual(new Set([200]));
    const again = read(tokens[0]);
    await expect.poll(() => doors.length).toBe(RUN_READS_OF_ALL_MAX + 1);
    doors.at(-1)?.();
    expect((await again).status).toBe(200);
  });

  it('counts what a session sends as it is unpacked, and lets it wait when that was much', async () => {
    const [token, other] = [door.token({ workerId: 1 }), door.token({ workerId: 2 })];
    const body = gzipSync(
      JSON.stringify({
        fence: 1,
        chunks: Array.from({ length: 8 }, (_, seq) => ({ seq, text: '0'.repeat(1_000_000) })),
      }),
    );
    const send = (by: string) =>
      door.call('/api/v1/steps/1.0/logs', null, { token: by, body, headers: { 'content-encoding': 'gzip' } });
    const statuses: number[] = [];
    for (let i = 0; i < 9; i++) statuses.push((await send(token)).status);
    expect(statuses).toEqual(Array.from({ length: 9 }, () => 200));
    const refused = await send(token);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
    expect((await send(other)).status).toBe(200);
    door.now += 2000;
    expect((await send(token)).status).toBe(200);
  });

  it('lets a worker renew while it sends thousands of files, which are counted apart', async () => {
    const token = door.token();
    const path = `/api/v1/steps/1.0/artifacts/sha256:${'0'.repeat(64)}?fence=1`;
    const read = async () => (await door.call(path, null, { ...GET, token })).status;
    for (let i = 0; i < 500; i++) expect(await read()).not.toBe(429);
    expect((await from('somewhere', token)).status).toBe(200);
    const statuses = await Promise.all(
      Array.from({ length: 100 }, () => Promise.all(Array.from({ length: 20 }, read))),
    );
    expect(statuses.flat()).toContain(429);
    expect((await from('somewhere', token)).status).toBe(200);
  });

  it('lets a worker renew, hear and leave however much it has sent, as far as that is little itself', async () => {
    const token = door.token();
    const text = '0'.repeat(1_000_000);
    const chunks = Array.from({ length: 8 }, (_, seq) => ({ seq, text }));
    const body = gzipSync(JSON.stringify({ fence: 1, chunks }));
    const log = () =>
      door.call('/api/v1/steps/1.0/logs', null, { token, body, headers: { 'content-encoding': 'gzip' } });
    for (let i = 0; i < 9; i++) await log();
    expect((await log()).status).toBe(429);
    door.hasWork = false;
    for (const [path, ask] of [
      ['leases:renew', { held: [] }],
      ['workers:signals', { waitMs: 0 }],
      ['workers:leave', {}],
    ] as const)
      expect([path, (await door.call(`/api/v1/${path}`, ask, { token })).status]).toEqual([path, 200]);
    const held = Array.from({ length: HELD_MAX }, (_, i) => ({ stepId: `1.${i}`, fence: 100_000_000 }));
    const statuses = new Set<number>();
    for (let i = 0; i < 40; i++) statuses.add((await door.call('/api/v1/leases:renew', { held }, { token })).status);
    expect([...statuses]).toEqual([200, 429]);
  });

  it('takes nothing from the address for calls of a known session that overlap', async () => {
    await door.close();
    let looked = 0;
    let isOpen = false;
    const looking: (() => void)[] = [];
    const { sessions } = door.tools;
    door = new Door();
    await door.open({
      addressOf: () => 'somewhere',
      sessions: {
        ...sessions,
        find: async (hash, now) => {
          looked++;
          if (!isOpen) await new Promise<void>((resolve) => looking.push(resolve));
          const found = door.sessions.get(Buffer.from(hash).toString('hex'));
          return found && found.expiresAt > now ? found : undefined;
        },
      },
    });
    const token = door.token();
    const path = `/api/v1/steps/1.0/artifacts/sha256:${'0'.repeat(64)}?fence=1`;
    const read = async () => (await door.call(path, null, { ...GET, token })).status;
    isOpen = true;
    await read();
    isOpen = false;
    const calls = Array.from({ length: 300 }, read);
    await expect.poll(() => looked, { timeout: 10_000 }).toBe(301);
    for (const go of looking) go();
    expect(new Set(await Promise.all(calls))).toEqual(new Set([404]));
  });

  it('makes nothing of bodies that nest too deep', async () => {
    const body = `{"held":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(await door.call('/api/v1/leases:renew', null, { body })).toMatchObject({
      status: 400,
      body: { code: 'REQUEST_INVALID' },
    });
  });

  it('answers 503 where bodies take too much together, and takes small ones all the same', async () => {
    const ends: (() => void)[] = [];
    door.conductor.annotate = () => new Promise((resolve) => ends.push(resolve));
    const token = door.token();
    // A megabyte each, and 33 more for its seven hundred thousand values.
    const outcome = { kind: 'succeeded', outputs: { list: Array.from({ length: 700_000 }, () => 0) } };
    door.conductor.complete = () => new Promise((resolve) => ends.push(() => resolve({ answers: [], leases: [] })));
    const send = () =>
      door.call('/api/v1/leases:complete', { completions: [{ stepId: '1.0', fence: 1, outcome }], room: 0 }, { token });
    const first = send();
    await expect.poll(() => ends.length).toBe(1);
    const second = await send();
    expect(second).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(second.headers.get('retry-after')).toBe('1');
    expect((await door.call('/api/v1/leases:renew', { held: [] }, { token })).status).toBe(200);
    for (const end of ends) end();
    expect((await first).status).toBe(200);
    door.conductor.complete = async () => ({ answers: ['recorded'], leases: [] });
    expect((await send()).status).toBe(200);
  });
});

describe('memory for bodies', () => {
  it('is given back, and never more than there is, however callers share it', () => {
    const budget = new BodyBudget({ bytesMax: 100, callerBytesMax: 60 });
    const [a, b, c] = [budget.open('a'), budget.open('b'), budget.open('c')];
    a.add(60);
    const more = budget.open('a');
    expect(() => more.add(1)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    more.release();
    b.add(39);
    expect(() => c.add(10)).toThrow(MaestroError);
    c.release();
    a.release();
    b.add(20);
    b.release();
    for (const held of ['a', 'b'].map((caller) => budget.open(caller))) held.add(50);
  });
});

describe('a rate', () => {
  it('makes up for what was spent beyond it before anything is given again', () => {
    let now = 0;
    const rate = new RateLimit({ perSecond: 10, burst: 20 }, { now: () => now }, 10);
    rate.spend('a', 50);
    expect(rate.waitS('a')).toBe(4);
    now += 3000;
    expect(() => rate.assertLeft('a')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    now += 200;
    rate.take('a');
    rate.spend('b', -5);
    for (let i = 0; i < 20; i++) rate.take('b');
    expect(rate.waitS('b')).toBe(1);
  });
});

describe('content that is read as it comes', () => {
  const content = (onEnd: () => void) =>
    (async function* () {
      try {
        for (;;) yield Buffer.alloc(65_536);
      } finally {
        onEnd();
      }
    })();

  it('is let go where its reader takes nothing, and where it goes away', async () => {
    for (const leave of [async () => {}, (body: ReadableStream) => body.cancel()]) {
      const ended: string[] = [];
      const { body } = streamAnswer(
        content(() => ended.push('source')),
        () => ended.push('call'),
        20,
      );
      const reader = body?.getReader();
      await reader?.read();
      reader?.releaseLock();
      await leave(body as ReadableStream);
      await expect.poll(() => ended.toSorted()).toEqual(['call', 'source']);
    }
  });
});
