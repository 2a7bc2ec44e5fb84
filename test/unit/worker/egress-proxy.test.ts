import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EgressWorld, FarEnd, RawClient, SilentEnd, TLS_FILE } from './egress-world.ts';

let world: EgressWorld;
beforeEach(async () => {
  world = await EgressWorld.open();
});
afterEach(() => world.close());

const url = (path = '/'): string => `http://${world.target}${path}`;

describe('a CONNECT', () => {
  it('to a listed host and port is a tunnel, whose bytes nobody touches', async () => {
    const proxy = await world.proxy();
    const client = new RawClient(proxy.url).connectTo(world.target);
    await client.until('established\r\n\r\n');
    client.socket.write('GET /inside HTTP/1.1\r\nHost: inner\r\nConnection: close\r\n\r\n');
    expect(await client.until('ok')).toContain('HTTP/1.1 200 OK');
    expect(world.far.seen).toMatchObject([{ url: '/inside', headers: { host: 'inner' } }]);
    await client.ended();
    expect(await world.closed(proxy)).toMatch(
      new RegExp(`^egress allowed far\\.example:${world.far.port} once, 56 bytes sent, \\d+ received$`),
    );
  });

  it('carries TLS from end to end', async () => {
    const tlsEnd = await FarEnd.open(true);
    const proxy = await world.proxy([`far.example:${tlsEnd.port}`, `127.0.0.1:${tlsEnd.port}`]);
    const client = new RawClient(proxy.url).connectTo(`far.example:${tlsEnd.port}`);
    await client.until('\r\n\r\n');
    client.socket.removeAllListeners('data');
    const secure = connectTls({ socket: client.socket, ca: readFileSync(TLS_FILE), servername: 'far.example' });
    await once(secure, 'secureConnect');
    expect(secure.authorized).toBe(true);
    secure.write('GET /secret HTTP/1.1\r\nHost: far.example\r\nConnection: close\r\n\r\n');
    const [answer] = (await once(secure, 'data')) as [Buffer];
    expect(answer.toString()).toContain('200 OK');
    expect(tlsEnd.seen).toMatchObject([{ url: '/secret' }]);
    secure.destroy();
    await tlsEnd.close();
  });

  it('hands on what the client sent together with its request', async () => {
    const proxy = await world.proxy();
    const early = 'GET /early HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const target = world.target;
    const client = new RawClient(proxy.url).send(`CONNECT ${target} HTTP/1.1`, [`Host: ${target}`], early);
    await client.until('ok');
    expect(world.far.seen).toMatchObject([{ url: '/early' }]);
  });

  it('lets either side end its half while the other one goes on', async () => {
    const silent = new SilentEnd();
    const port = await silent.open();
    const proxy = await world.proxy([`127.0.0.1:${port}`]);
    const client = new RawClient(proxy.url).connectTo(`127.0.0.1:${port}`);
    await client.until('\r\n\r\n');
    const [end] = silent.sockets as [Socket];
    client.socket.end('last words');
    const heard: Buffer[] = [];
    end.on('data', (part: Buffer) => heard.push(part));
    await once(end, 'end');
    expect(Buffer.concat(heard).toString()).toBe('last words');
    end.end(Buffer.alloc(1_000_000, 'x'));
    await client.ended();
    expect(client.text).toHaveLength('HTTP/1.1 200 Connection established\r\n\r\n'.length + 1_000_000);
    silent.close();
  });

  it.each([
    'far.example:1',
    'other.example:443',
    'far.example.evil.org:443',
    'xfar.example:443',
    '127.0.0.2:443',
    '2130706433:443',
    '0x7f000001:443',
    '[::1]:443',
    '[::ffff:127.0.0.1]:443',
    'localhost:443',
  ])('to %s, which is not listed, is refused and never looked up', async (authority) => {
    const asked: string[] = [];
    const proxy = await world.proxy(['far.example', `127.0.0.1:${world.far.port}`], {
      resolve: async (host) => {
        asked.push(host);
        return ['127.0.0.1'];
      },
    });
    const client = await new RawClient(proxy.url).connectTo(authority).ended();
    expect(client.status).toBe(403);
    expect(asked).toEqual([]);
    expect(await world.closed(proxy)).toBe(`egress denied ${authority} once: the step’s egress does not list it`);
  });

  it.each([
    'far.example',
    'far.example:',
    'far.example:0',
    'far.example:65536',
    'far.example:080',
    'far.example:443:443',
    'user@far.example:443',
    '*.example:443',
    'far..example:443',
    '::1:443',
    '[::1:443',
    '[fe80::1%25eth0]:443',
    'far.example/path:443',
    '/',
    '*',
  ])('to %s, which is no host and port, is a bad request', async (authority) => {
    const proxy = await world.proxy(['far.example', '[::1]']);
    expect((await new RawClient(proxy.url).connectTo(authority).ended()).status).toBe(400);
    expect(await world.closed(proxy)).toBe('');
  });

  it('finds a listed host in any letters, with a dot at its end', async () => {
    const proxy = await world.proxy();
    for (const host of ['FAR.example', 'far.EXAMPLE.']) {
      const client = new RawClient(proxy.url).connectTo(`${host}:${world.far.port}`);
      await client.until('\r\n\r\n');
      expect(client.status).toBe(200);
    }
    expect(await world.closed(proxy)).toContain(`egress allowed FAR.example:${world.far.port} 2 times`);
  });

  it('says 502 where nobody listens, or nobody knows the name', async () => {
    const silent = new SilentEnd();
    const port = await silent.open();
    silent.close();
    const proxy = await world.proxy([`127.0.0.1:${port}`, 'nowhere.example'], {
      resolve: async () => Promise.reject(new Error('ENOTFOUND')),
    });
    const statuses = [`127.0.0.1:${port}`, 'nowhere.example:443'].map(
      async (authority) => (await new RawClient(proxy.url).connectTo(authority).ended()).status,
    );
    expect(await Promise.all(statuses)).toEqual([502, 502]);
  });
});

describe('a name', () => {
  const statusFor = async (egress: readonly string[], authority: string, addresses: readonly string[]) => {
    const proxy = await world.proxy(egress, { resolve: async () => addresses });
    const client = await new RawClient(proxy.url).connectTo(authority).ended();
    return { status: client.status, log: await world.closed(proxy) };
  };

  it.each([
    ['169.254.169.254'],
    ['fd00:ec2::254'],
    ['fe80::1'],
    ['::ffff:169.254.169.254'],
    ['64:ff9b::a9fe:a9fe'],
    ['0.0.0.0'],
    ['224.0.0.1'],
    ['168.63.129.16'],
    ['not an address'],
  ])('that leads to %s is refused, though it is listed', async (address) => {
    const listed = ['rebound.example', '169.254.169.254', '0.0.0.0', '[fe80::1]', '224.0.0.1', '168.63.129.16'];
    expect(await statusFor(listed, 'rebound.example:443', [address])).toEqual({
      status: 403,
      log: 'egress denied rebound.example:443 once: no step may reach link-local, multicast or metadata addresses',
    });
  });

  it('of an address in the step’s list does not open a metadata service either', async () => {
    expect(await statusFor(['169.254.169.254'], '169.254.169.254:80', [])).toMatchObject({ status: 403 });
    expect(await statusFor(['[fd00:ec2::254]:80'], '[fd00:ec2::254]:80', [])).toMatchObject({ status: 403 });
  });

  it.each([
    ['127.0.0.1', 'loopback'],
    ['::1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['192.168.0.1', 'private'],
    ['fc00::1', 'private'],
    ['::ffff:10.1.2.3', 'private'],
  ])('that leads to %s, a %s address, needs that address in the list as well', async (address, kind) => {
    expect(await statusFor(['rebound.example'], 'rebound.example:443', [address])).toEqual({
      status: 403,
      log: `egress denied rebound.example:443 once: it leads to the ${kind} address ${address}, which the step’s egress does not list`,
    });
  });

  it('with several addresses leads only to those that it may', async () => {
    const proxy = await world.proxy(undefined, { resolve: async () => ['10.0.0.1', '169.254.169.254', '127.0.0.1'] });
    const client = new RawClient(proxy.url).connectTo(world.target);
    await client.until('\r\n\r\n');
    expect(client.status).toBe(200);
  });

  it('is looked up once for a connection, so that it cannot change in between', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    let count = 0;
    const proxy = await world.proxy(undefined, { resolve: async () => answers[count++] ?? [] });
    await new RawClient(proxy.url).get(url()).ended();
    expect(world.far.seen).toHaveLength(1);
    expect(count).toBe(1);
    expect((await new RawClient(proxy.url).get(url()).ended()).status).toBe(403);
  });

  it('localhost leads to loopback where it is listed', async () => {
    const proxy = await world.proxy([`localhost:${world.far.port}`]);
    const client = new RawClient(proxy.url).connectTo(`localhost:${world.far.port}`);
    await client.until('\r\n\r\n');
    expect(client.status).toBe(200);
    expect(await statusFor(['localhost'], 'localhost:443', ['10.0.0.1'])).toMatchObject({ status: 403 });
  });
});
