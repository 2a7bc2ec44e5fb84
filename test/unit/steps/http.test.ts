import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { isEgressAllowed } from '../../../src/steps/http/egress.ts';
import { httpStep } from '../../../src/steps/http/http.ts';
import { REDIRECTS_MAX, RESPONSE_BYTES_MAX } from '../../../src/steps/http/send.ts';
import { notifyStep, SIGNATURE_HEADER, signBody } from '../../../src/steps/notify/notify.ts';
import { stepOf } from '../worker/leases.ts';
import { contextOf } from './step-context.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A real server on loopback that remembers what it was asked. */
class FarEnd {
  readonly seen: Seen[] = [];
  answer: (request: Seen, response: ServerResponse) => void = (_, response) => void response.end('ok');
  readonly #server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const seen = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(parts).toString(),
      };
      this.seen.push(seen);
      this.answer(seen, response);
    });
  });

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/', host = '127.0.0.1'): string {
    return `http://${host}:${this.port}${path}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let far: FarEnd;
beforeEach(async () => {
  far = new FarEnd();
  await far.open();
});
afterEach(() => far.close());

const run = (input: JsonObject, egress: readonly string[] = [], secrets: Record<string, string> = {}) =>
  httpStep.run(contextOf({ step: stepOf({ egress }), secrets }).context, input);

/** The far end under both of its names. */
const hosts = (): readonly string[] => [`127.0.0.1:${far.port}`, `localhost:${far.port}`];

describe('http step', () => {
  it('answers status, headers, text and parsed JSON', async () => {
    far.answer = (_, response) => void response.setHeader('content-type', 'application/json').end('{"a":[1]}');
    expect(await run({ url: far.url('/x') })).toMatchObject({
      kind: 'succeeded',
      result: { status: 200, url: far.url('/x'), body: '{"a":[1]}', json: { a: [1] } },
    });
  });

  it('sends JSON with the attempt’s idempotency key', async () => {
    await run({ url: far.url(), method: 'POST', json: { b: 2 }, headers: { 'X-One': '1' } });
    expect(far.seen[0]).toMatchObject({
      method: 'POST',
      body: '{"b":2}',
      headers: { 'idempotency-key': 'key-1', 'content-type': 'application/json', 'x-one': '1' },
    });
  });

  it.each([
    [429, { kind: 'failed', errorClass: 'rate-limit', message: expect.stringContaining('7 s') }],
    [500, { kind: 'failed', errorClass: 'infra' }],
    [503, { kind: 'failed', errorClass: 'infra' }],
    [404, { kind: 'failed', errorClass: 'step' }],
    [204, { kind: 'succeeded' }],
  ])('classifies status %i', async (status, expected) => {
    far.answer = (_, response) => void response.writeHead(status, { 'retry-after': '7' }).end();
    expect(await run({ url: far.url() })).toMatchObject(expected);
  });

  it('accepts the statuses that it is told to expect, and no others', async () => {
    far.answer = (_, response) => void response.writeHead(404).end();
    expect(await run({ url: far.url(), expect: { status: [200, 404] } })).toMatchObject({ kind: 'succeeded' });
    expect(await run({ url: far.url(), expect: { status: 200 } })).toMatchObject({ kind: 'failed' });
  });

  it('fails as infra where nobody listens', async () => {
    const url = far.url();
    await far.close();
    await expect(run({ url })).resolves.toMatchObject({
      kind: 'failed',
      errorClass: 'infra',
      errorCode: 'NETWORK_FAILED',
    });
    await far.open();
  });

  it('fails as timeout where nobody answers', async () => {
    far.answer = () => {};
    expect(await run({ url: far.url(), timeout: '50ms' })).toMatchObject({ kind: 'failed', errorClass: 'timeout' });
  });

  it('refuses an answer beyond its limit', async () => {
    far.answer = (_, response) => void response.end(Buffer.alloc(RESPONSE_BYTES_MAX + 1, 'x'));
    await expect(run({ url: far.url() })).rejects.toMatchObject({ code: 'OUTPUT_TOO_LARGE' });
  });

  it('follows redirects within its limit', async () => {
    far.answer = ({ url }, response) =>
      void (url === '/end' ? response.end('there') : response.writeHead(302, { location: '/end' }).end());
    expect(await run({ url: far.url('/start') })).toMatchObject({
      kind: 'succeeded',
      result: { body: 'there', url: far.url('/end') },
    });
    far.answer = (_, response) => void response.writeHead(302, { location: '/again' }).end();
    expect(await run({ url: far.url() })).toMatchObject({ kind: 'failed', errorCode: 'NETWORK_FAILED' });
    expect(far.seen).toHaveLength(2 + REDIRECTS_MAX + 1);
  });

  it('hands credentials to the same origin only', async () => {
    far.answer = ({ url }, response) =>
      void (url === '/start'
        ? response.writeHead(302, { location: far.url('/end', 'localhost') }).end()
        : response.end());
    const headers = { Authorization: 'Bearer x', 'X-Custom': 'prefix-s3cret', 'X-Plain': 'kept' };
    await run({ url: far.url('/start'), headers }, hosts(), { TOKEN: 's3cret' });
    expect(far.seen[0]?.headers).toMatchObject({ authorization: 'Bearer x', 'x-custom': 'prefix-s3cret' });
    expect(far.seen[1]?.headers).not.toHaveProperty('authorization');
    expect(far.seen[1]?.headers).not.toHaveProperty('x-custom');
    expect(far.seen[1]?.headers).toMatchObject({ 'x-plain': 'kept' });
  });

  it('does not hand a body to another origin', async () => {
    far.answer = ({ url }, response) =>
      void (url === '/start'
        ? response.writeHead(307, { location: far.url('/end', 'localhost') }).end()
        : response.end());
    expect(await run({ url: far.url('/start'), method: 'POST', body: 'private' }, hosts())).toMatchObject({
      kind: 'failed',
      errorCode: 'NETWORK_FAILED',
    });
    expect(far.seen).toHaveLength(1);
  });

  it('holds the request and every redirect to the declared egress', async () => {
    await expect(run({ url: far.url() }, ['api.example.com'])).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    far.answer = (_, response) => void response.writeHead(302, { location: far.url('/', 'localhost') }).end();
    await expect(run({ url: far.url() }, [`127.0.0.1:${far.port}`])).rejects.toMatchObject({ code: 'POLICY_DENIED' });
  });

  it('without a declaration reaches no host but the one that it names, which is what policy judged', async () => {
    far.answer = (_, response) => void response.writeHead(302, { location: far.url('/', 'localhost') }).end();
    await expect(run({ url: far.url() })).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(far.seen).toHaveLength(1);
  });

  it.each(['file:///etc/passwd', 'ftp://example.com', 'not a url', 'http://user:password@example.com/'])(
    'refuses the URL %s',
    async (url) => {
      await expect(run({ url })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    },
  );

  it('does not quote a header that HTTP cannot carry', async () => {
    await expect(run({ url: far.url(), headers: { 'x-token': 's3cret\r\nevil: 1' } })).rejects.toSatisfy(
      (error) => !String(error).includes('s3cret'),
    );
  });
});

describe('egress', () => {
  it.each([
    ['https://api.example.com/x', 'api.example.com', true],
    ['https://api.example.com:8443/x', 'api.example.com', false],
    ['https://api.example.com:8443/x', 'api.example.com:8443', true],
    ['http://api.example.com/x', 'api.example.com:443', false],
    ['https://api.example.com/x', 'api.example.com:443', true],
    ['https://api.example.com/x', '*.example.com', true],
    ['https://example.com/x', '*.example.com', false],
    ['https://evilexample.com/x', '*.example.com', false],
    ['https://api.example.com.evil.org/x', 'api.example.com', false],
    ['https://API.EXAMPLE.COM/x', 'api.example.com', true],
  ])('%s against %s: %s', (url, entry, isAllowed) => {
    expect(isEgressAllowed(new URL(url), [entry])).toBe(isAllowed);
  });
});

describe('notify step', () => {
  it('is held to its declared egress, or to the host of its URL', async () => {
    const send = (egress: readonly string[]) =>
      notifyStep.run(contextOf({ step: stepOf({ egress }) }).context, { url: far.url(), message: 'done' });
    await expect(send(['api.example.com'])).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(far.seen).toHaveLength(0);
    far.answer = (_, response) => void response.writeHead(302, { location: far.url('/', 'localhost') }).end();
    await expect(send([])).rejects.toMatchObject({ code: 'POLICY_DENIED' });
    expect(far.seen).toHaveLength(1);
  });

  it('signs the body of a webhook when a secret is given', async () => {
    const answer = await notifyStep.run(contextOf().context, {
      url: far.url(),
      message: 'done',
      secret: 'key',
      data: { a: 1 },
    });
    expect(answer).toEqual({ kind: 'succeeded', result: { status: 200 } });
    const [seen] = far.seen;
    expect(seen?.headers[SIGNATURE_HEADER]).toBe(signBody(seen?.body ?? '', 'key'));
    expect(JSON.parse(seen?.body ?? '')).toMatchObject({
      type: 'maestro.notify',
      message: 'done',
      pipeline: 'demo',
      runId: 'run-1',
      data: { a: 1 },
    });
  });

  it('writes what Slack takes, with its special characters escaped', async () => {
    await notifyStep.run(contextOf().context, {
      url: far.url(),
      message: 'a <b> & c',
      title: 'Deploy',
      format: 'slack',
    });
    expect(JSON.parse(far.seen[0]?.body ?? '')).toMatchObject({
      text: 'Deploy: a &lt;b&gt; &amp; c',
      blocks: [{ type: 'header' }, { type: 'section' }],
    });
  });

  it('fails in a way that can be retried where the receiver is down', async () => {
    far.answer = (_, response) => void response.writeHead(502).end();
    expect(await notifyStep.run(contextOf().context, { url: far.url(), message: 'x' })).toMatchObject({
      kind: 'failed',
      errorClass: 'infra',
    });
  });
});
