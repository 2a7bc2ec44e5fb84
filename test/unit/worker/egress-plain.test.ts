import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EgressWorld, RawClient } from './egress-world.ts';

let world: EgressWorld;
beforeEach(async () => {
  world = await EgressWorld.open();
});
afterEach(() => world.close());

const url = (path = '/'): string => `http://${world.target}${path}`;

describe('a plain request', () => {
  it('is handed on with its body, and so is the answer', async () => {
    world.far.answer = (_, response) =>
      void response.writeHead(201, { 'x-far': '1', 'content-length': '4' }).end('made');
    const proxy = await world.proxy();
    const client = new RawClient(proxy.url).send(
      `POST ${url('/a/../b?c=%20d')} HTTP/1.1`,
      ['Host: x', 'X-Own: 2', 'Content-Length: 4', 'Connection: close'],
      'body',
    );
    const answer = (await client.ended()).text;
    expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\nx-far: 1\r\n/);
    expect(answer).toMatch(/made$/);
    expect(world.far.seen).toMatchObject([
      { method: 'POST', url: '/a/../b?c=%20d', body: 'body', headers: { 'x-own': '2', 'content-length': '4' } },
    ]);
  });

  it('goes where its request line says, whatever its Host header says, and the far end hears so', async () => {
    const proxy = await world.proxy();
    await new RawClient(proxy.url).get(url('/x'), ['Host: admin.internal']).until('ok');
    expect(world.far.seen[0]?.rawHeaders.filter((name) => name.toLowerCase() === 'host')).toHaveLength(1);
    expect(world.far.seen[0]?.headers.host).toBe(world.target);
    const denied = await new RawClient(proxy.url)
      .get('http://admin.internal/', [`Host: far.example:${world.far.port}`])
      .ended();
    expect(denied.status).toBe(403);
    expect(world.far.seen).toHaveLength(1);
  });

  it('leaves behind what belongs to this proxy, and what its Connection header names', async () => {
    const proxy = await world.proxy();
    const headers = ['Host: x', 'Connection: close, X-Hop', 'X-Hop: 1', 'Proxy-Connection: keep-alive', 'TE: trailers'];
    await new RawClient(proxy.url).get(url(), [...headers, 'Upgrade: websocket', 'X-End: 2']).ended();
    expect(world.far.seen[0]?.headers).toEqual({ host: world.target, 'x-end': '2', connection: 'close' });
    expect(JSON.stringify(world.far.seen)).not.toContain('Basic');
  });

  it('with a body in chunks keeps it a body, also of a GET, so that none of it is taken for a second request', async () => {
    const proxy = await world.proxy();
    const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
    const body = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
    const headers = ['Host: x', 'Transfer-Encoding: chunked', 'Connection: close, transfer-encoding'];
    await new RawClient(proxy.url).send(`GET ${url('/x')} HTTP/1.1`, headers, body).ended();
    expect(world.far.seen).toMatchObject([{ url: '/x', body: smuggled }]);
  });

  it.each([
    ['two lengths', ['Content-Length: 3', 'Content-Length: 30']],
    ['a length and chunks', ['Content-Length: 3', 'Transfer-Encoding: chunked']],
    ['chunks that are not the last coding', ['Transfer-Encoding: chunked, gzip']],
    ['a coding that would get lost', ['Transfer-Encoding: gzip, chunked']],
    ['a header that is folded', ['X-A: 1', ' folded']],
    ['a bare line feed', ['X-A: 1\nX-B: 2']],
    ['a name with a space', ['X A: 1']],
    ['no Host', []],
  ])('with %s is a bad request', async (name, headers) => {
    const proxy = await world.proxy();
    const host = name === 'no Host' ? [] : ['Host: x'];
    const client = await new RawClient(proxy.url)
      .send(`POST ${url()} HTTP/1.1`, [...host, ...headers], '3\r\nabc\r\n0\r\n\r\n')
      .ended();
    expect(client.status).toBe(400);
    expect(world.far.seen).toEqual([]);
  });

  it.each([
    'https://far.example/',
    'ftp://far.example/',
    '/',
    'http:///',
    'http://a@far.example/',
    'http://far.example/#a',
  ])('for %s is a bad request', async (url) => {
    const proxy = await world.proxy(['far.example']);
    expect((await new RawClient(proxy.url).get(url).ended()).status).toBe(400);
  });

  it('gets no answer twice where the far end breaks off', async () => {
    world.far.answer = (_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('half');
      response.socket?.destroySoon();
    };
    const proxy = await world.proxy();
    const { text } = await new RawClient(proxy.url).get(url()).ended();
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(text).toMatch(/half$/);
  });

  it.each([
    ['nonsense', 'nonsense\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['a body of two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'X-A: 1\r\n'.repeat(10_000)}\r\n`],
    ['nothing', ''],
  ])('is answered with 502 where the far end says %s', async (_, answer) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(answer));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const proxy = await world.proxy([`127.0.0.1:${port}`]);
    expect((await new RawClient(proxy.url).get(`http://127.0.0.1:${port}/`).ended()).status).toBe(502);
    server.close();
  });
});
