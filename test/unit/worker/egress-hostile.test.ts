import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EgressWorld, RawClient, SilentEnd } from './egress-world.ts';

let world: EgressWorld;
beforeEach(async () => {
  world = await EgressWorld.open();
});
afterEach(() => world.close());

const url = (path = '/'): string => `http://${world.target}${path}`;

describe('a stranger', () => {
  const authorization = (url: string): string => `Proxy-Authorization: Basic ${Buffer.from(url).toString('base64')}`;

  it.each([
    ['no password', () => []],
    ['another password', () => [authorization(`step:${'0'.repeat(64)}`)]],
    ['another user', (password: string) => [authorization(`root:${password}`)]],
    ['half of the password', (password: string) => [authorization(`step:${password.slice(0, 32)}`)]],
    ['the password in another header', (password: string) => [`Authorization: Basic ${btoa(`step:${password}`)}`]],
    ['another scheme', (password: string) => [`Proxy-Authorization: Bearer ${password}`]],
  ])('with %s gets nothing, and leaves nothing in the step’s log', async (_, headers) => {
    const proxy = await world.proxy();
    const { port } = new URL(proxy.url);
    const target = world.target;
    for (const line of [
      `CONNECT ${target} HTTP/1.1`,
      `GET http://${target}/ HTTP/1.1`,
      'GET http://mark.example/ HTTP/1.1',
    ]) {
      const client = new RawClient(proxy.url);
      client.socket.write(`${[line, `Host: ${target}`, ...headers(proxy.password)].join('\r\n')}\r\n\r\n`);
      const { text, status } = await client.ended();
      expect(status).toBe(407);
      expect(text).toContain('Proxy-Authenticate: Basic');
    }
    expect(port).not.toBe('');
    expect(world.far.seen).toEqual([]);
    expect(await world.closed(proxy)).toBe('');
  });

  it('of another attempt has another password', async () => {
    const [one, two] = [await world.proxy(), await world.proxy()];
    expect(one.password).toMatch(/^[\da-f]{64}$/);
    expect(one.password).not.toBe(two.password);
  });
});

describe('a client that means harm', () => {
  it('cannot send headers beyond the limit', async () => {
    const proxy = await world.proxy();
    const bomb = Array.from({ length: 2000 }, (_, i) => `X-Header-${i}: ${'x'.repeat(20)}`);
    expect((await new RawClient(proxy.url).get(url(), ['Host: x', ...bomb]).ended()).status).toBe(431);
    expect(world.far.seen).toEqual([]);
  });

  it('is cut off where it sends its headers too slowly, or nothing at all', async () => {
    const proxy = await world.proxy(undefined, { limits: { headersMs: 50 } });
    const [slow, mute] = [new RawClient(proxy.url), new RawClient(proxy.url)];
    slow.socket.write('CONNECT far.example:1 HTTP/1.1\r\nX-A: ');
    await Promise.all([slow.ended(), mute.ended()]);
    expect([slow.status, mute.status]).toEqual([408, 408]);
  });

  it('holds at most so many connections, whatever it asks for', async () => {
    const silent = new SilentEnd();
    const port = await silent.open();
    const proxy = await world.proxy([`127.0.0.1:${port}`], { limits: { connectionsMax: 20 } });
    const clients = Array.from({ length: 2000 }, () => new RawClient(proxy.url).connectTo(`127.0.0.1:${port}`));
    await Promise.all(clients.map((client) => client.until('\r\n\r\n')));
    expect(clients.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(silent.sockets.length).toBeLessThanOrEqual(20);
    expect(await world.closed(proxy)).toContain('egress closed 1980 connections: too many at one time');
    silent.close();
  });

  it('holds so many also where it asks for nothing', async () => {
    const proxy = await world.proxy(undefined, { limits: { connectionsMax: 20 } });
    const clients = Array.from({ length: 30 }, () => new RawClient(proxy.url));
    let endedCount = 0;
    const tenEnded = Promise.withResolvers<void>();
    for (const { socket } of clients) socket.once('close', () => ++endedCount === 10 && tenEnded.resolve());
    for (const { socket } of clients) socket.once('end', () => socket.end());
    await tenEnded.promise;
    expect(await world.closed(proxy)).toBe('egress closed 10 connections: too many at one time');
  });

  it('cannot get around that by requests in one connection', async () => {
    const silent = new SilentEnd();
    const port = await silent.open();
    const proxy = await world.proxy([`127.0.0.1:${port}`], { limits: { connectionsMax: 5 } });
    const client = new RawClient(proxy.url);
    for (let i = 0; i < 50; i++) client.send(`GET http://127.0.0.1:${port}/${i} HTTP/1.1`, ['Host: x']);
    while (silent.sockets.length < 5) await once(silent.server, 'connection');
    expect(await world.closed(proxy)).toContain('egress closed 45 connections: too many at one time');
    expect(silent.sockets).toHaveLength(5);
    silent.close();
  });

  it('is cut off where neither side says anything', async () => {
    const silent = new SilentEnd();
    const port = await silent.open();
    const proxy = await world.proxy([`127.0.0.1:${port}`], { limits: { idleMs: 50 } });
    const client = new RawClient(proxy.url).connectTo(`127.0.0.1:${port}`);
    await client.ended();
    expect(client.status).toBe(200);
    silent.close();
  });

  it('does not fill the worker’s memory or log with names', async () => {
    const proxy = await world.proxy();
    for (let i = 0; i < 250; i++) {
      await new RawClient(proxy.url).connectTo(`${i}.example:443`).ended();
      await new RawClient(proxy.url).get(`http://${i}.example.org/`).ended();
    }
    const lines = (await world.closed(proxy)).split('\n');
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toBe('egress of 300 more connections, to other hosts');
  });

  it('does not wait for ever for somebody who takes its connection and says nothing', async () => {
    const silent = new SilentEnd();
    const hostEnv = { HTTPS_PROXY: `http://127.0.0.1:${await silent.open()}` };
    const proxy = await world.proxy(['api.example.com'], { hostEnv, limits: { connectMs: 50 } });
    const client = await new RawClient(proxy.url).connectTo('api.example.com:443').ended();
    expect(client.text).toContain('502 Bad Gateway');
    expect(client.text).toContain('no answer in time');
    silent.close();
  });

  it('cannot keep it open: with the attempt go its listener and every connection', async () => {
    const silent = new SilentEnd();
    const port = await silent.open();
    const proxy = await world.proxy([`127.0.0.1:${port}`]);
    const { port: ownPort } = new URL(proxy.url);
    const clients = [new RawClient(proxy.url).connectTo(`127.0.0.1:${port}`), new RawClient(proxy.url)];
    await clients[0]?.until('\r\n\r\n');
    const [end] = silent.sockets as [Socket];
    end.resume();
    const gone = once(end, 'end');
    await world.closed(proxy);
    await Promise.all([gone, ...clients.map((client) => client.ended())]);
    const late = connect(Number(ownPort), '127.0.0.1');
    await expect(once(late, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    silent.close();
  });

  it('that is still being connected goes with it as well', async () => {
    const [asked, found] = [Promise.withResolvers<void>(), Promise.withResolvers<readonly string[]>()];
    const proxy = await world.proxy(undefined, {
      resolve: (): Promise<readonly string[]> => {
        asked.resolve();
        return found.promise;
      },
    });
    new RawClient(proxy.url).connectTo(world.target);
    await asked.promise;
    await world.closed(proxy);
    const first = once(world.far.server, 'connection');
    found.resolve(['127.0.0.1']);
    await new Promise((done) => setImmediate(done));
    const own = connect(world.far.port, '127.0.0.1');
    const [arrived] = (await first) as [Socket];
    expect(arrived.remotePort).toBe(own.localPort);
    own.destroy();
  });

  it('that waits for the machine’s own proxy goes with it, too', async () => {
    const silent = new SilentEnd();
    const hostEnv = { HTTPS_PROXY: `http://127.0.0.1:${await silent.open()}` };
    const proxy = await world.proxy(['api.example.com'], { hostEnv });
    new RawClient(proxy.url).connectTo('api.example.com:443');
    const [waiting] = (await once(silent.server, 'connection')) as [Socket];
    const gone = once(waiting.resume(), 'end');
    await world.closed(proxy);
    await gone;
    expect(waiting.readableEnded).toBe(true);
    silent.close();
  });
});
