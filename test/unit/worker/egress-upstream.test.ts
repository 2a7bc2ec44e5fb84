import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EgressWorld, FarEnd, RawClient } from './egress-world.ts';

let world: EgressWorld;
beforeEach(async () => {
  world = await EgressWorld.open();
});
afterEach(() => world.close());

describe('where the machine has a proxy of its own', () => {
  /** A proxy of somebody else, which goes everywhere. */
  class OtherProxy {
    readonly asked: string[] = [];
    readonly logins: (string | undefined)[] = [];
    status = 200;
    readonly far: FarEnd;

    constructor(end: FarEnd) {
      this.far = end;
      end.server.on('connect', (request, socket: Socket) => {
        this.asked.push(`CONNECT ${request.url}`);
        this.logins.push(request.headers['proxy-authorization']);
        socket.on('error', () => {});
        socket.once('end', () => socket.end()).resume();
        if (this.status === 200) socket.write('HTTP/1.1 200 OK\r\n\r\nhello through it');
        else socket.end(`HTTP/1.1 ${this.status} No\r\nContent-Length: 0\r\n\r\n`);
      });
    }
  }

  const nobody = async (): Promise<readonly string[]> => Promise.reject(new Error('no name is looked up'));

  it('a CONNECT goes through it by name, with the login of the worker’s environment', async () => {
    const other = new OtherProxy(world.far);
    const hostEnv = { HTTPS_PROXY: `http://me:p%40ss@127.0.0.1:${world.far.port}` };
    const proxy = await world.proxy(['api.example.com'], { hostEnv, resolve: nobody });
    const client = new RawClient(proxy.url).connectTo('API.example.com:443');
    await client.until('hello through it');
    expect(client.text).toBe('HTTP/1.1 200 Connection established\r\n\r\nhello through it');
    expect(other.asked).toEqual(['CONNECT api.example.com:443']);
    expect(other.logins).toEqual([`Basic ${btoa('me:p@ss')}`]);
    expect((await new RawClient(proxy.url).connectTo('other.example.com:443').ended()).status).toBe(403);
    expect(other.asked).toHaveLength(1);
  });

  it('a plain request goes through it as a whole, with that login and not the step’s', async () => {
    const hostEnv = { http_proxy: `http://me:pass@127.0.0.1:${world.far.port}` };
    const proxy = await world.proxy(['api.example.com'], { hostEnv, resolve: nobody });
    expect((await new RawClient(proxy.url).get('http://api.example.com/x').ended()).status).toBe(200);
    expect(world.far.seen).toMatchObject([
      {
        url: 'http://api.example.com/x',
        headers: { host: 'api.example.com', 'proxy-authorization': `Basic ${btoa('me:pass')}` },
      },
    ]);
  });

  it('its refusals are told, and never with its login', async () => {
    const other = new OtherProxy(world.far);
    other.status = 407;
    world.far.answer = (_, response) => void response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end('me:pass');
    const url = `http://me:pass@127.0.0.1:${world.far.port}`;
    const proxy = await world.proxy(['api.example.com'], { hostEnv: { HTTP_PROXY: url, HTTPS_PROXY: url } });
    const answers = await Promise.all([
      new RawClient(proxy.url).connectTo('api.example.com:443').ended(),
      new RawClient(proxy.url).get('http://api.example.com/').ended(),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([502, 502]);
    expect(answers[0]?.text).toContain('the machine’s own proxy answered 407'.replace('’', '\u00e2\u0080\u0099'));
    expect(answers.map(({ text }) => text).join('')).not.toContain('pass');
  });

  it('what NO_PROXY names, and this machine itself, is reached without it', async () => {
    const other = new OtherProxy(world.far);
    const end = await FarEnd.open();
    const hostEnv = {
      ALL_PROXY: `http://127.0.0.1:${world.far.port}`,
      NO_PROXY: 'a.example, .b.example,*.c.example,d.example:1',
    };
    const names = ['a.example', 'x.a.example', 'x.b.example', 'c.example', 'localhost'];
    const listed = [...names, 'd.example', 'xa.example', '127.0.0.1'].map((name) => `${name}:${end.port}`);
    const proxy = await world.proxy(listed, { hostEnv });
    for (const name of [...names, '127.0.0.1'])
      await new RawClient(proxy.url).get(`http://${name}:${end.port}/`).ended();
    expect(end.seen).toHaveLength(6);
    for (const name of ['d.example', 'xa.example']) {
      const client = new RawClient(proxy.url).connectTo(`${name}:${end.port}`);
      await client.until('hello through it');
    }
    expect(other.asked).toEqual([`CONNECT d.example:${end.port}`, `CONNECT xa.example:${end.port}`]);
    expect(end.seen).toHaveLength(6);
    await end.close();
  });

  it.each(['socks5://secret-host:1080', 'http://a:%zz-secret@proxy', 'ftp://secret', ':secret'])(
    'one that cannot be used, like %s, stops the step and is not quoted',
    async (url) => {
      const failure = world.proxy(['a.example'], { hostEnv: { https_proxy: url } });
      await expect(failure).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.not.stringContaining('secret'),
      });
    },
  );

  it('a metadata service that the step lists is not asked for through it either', async () => {
    const other = new OtherProxy(world.far);
    const hostEnv = { ALL_PROXY: `http://127.0.0.1:${world.far.port}` };
    const proxy = await world.proxy(['169.254.169.254'], { hostEnv });
    expect((await new RawClient(proxy.url).connectTo('169.254.169.254:80').ended()).status).toBe(403);
    expect(other.asked).toEqual([]);
  });
});
