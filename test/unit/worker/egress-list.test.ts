import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normalHost } from '../../../src/steps/egress-list.ts';
import { isEgressAllowed } from '../../../src/steps/http/egress.ts';
import { addressKind } from '../../../src/worker/egress/address.ts';
import { EgressProxy } from '../../../src/worker/egress/proxy.ts';
import { realPolicy } from '../../fakes/engine.ts';
import { stepOf } from '../policy/fixture.ts';
import { connectStatus, RawClient } from './egress-world.ts';

/** Goes everywhere, so that only the judgement of the proxy before it counts. */
let anywhere: Server;
beforeAll(async () => {
  anywhere = createServer((_, response) => response.end());
  anywhere.on('connect', (_, socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
  anywhere.listen(0, '127.0.0.1');
  await once(anywhere, 'listening');
});
afterAll(() => {
  anywhere.closeAllConnections();
  anywhere.close();
});

/** What a request to the URL gets of all who hold a step to its list. */
async function verdicts(entry: string, url: string): Promise<Record<'proxy' | 'step', boolean>> {
  const hostEnv = { ALL_PROXY: `http://127.0.0.1:${(anywhere.address() as AddressInfo).port}` };
  const proxy = await EgressProxy.open({ egress: [entry], hostEnv });
  const { protocol, host, hostname, port } = new URL(url);
  const status =
    protocol === 'https:'
      ? await connectStatus(proxy.url, `${hostname}:${port || 443}`)
      : (await new RawClient(proxy.url).get(`http://${host}/`).ended()).status;
  await proxy.close();
  return { step: isEgressAllowed(new URL(url), [entry]), proxy: status === 200 };
}

/** What policy says of a step that declares the host of the URL, where its data allows the entry. */
async function packAllows(entry: string, url: string): Promise<boolean> {
  const policy = await realPolicy({ egress: { allow: [entry] } });
  return policy.evaluate(stepOf({ egress: [new URL(url).host] })).verdict === 'allow';
}

describe('an entry of egress means the same to policy, to the http step and to the proxy', () => {
  it.each<[string, string, boolean]>([
    ['example.com', 'https://example.com', true],
    ['example.com', 'http://example.com', true],
    ['Example.COM', 'https://eXample.com', true],
    ['example.com', 'https://example.com:8443', false],
    ['example.com', 'http://example.com:443', false],
    ['example.com', 'http://example.com:8080', false],
    ['example.com', 'https://api.example.com', false],
    ['example.com', 'https://example.com.evil.org', false],
    ['example.com', 'https://evilexample.com', false],
    ['example.com:8443', 'https://example.com:8443', true],
    ['example.com:8443', 'http://example.com:8443', true],
    ['example.com:8443', 'https://example.com', false],
    ['example.com:8443', 'https://example.com:8444', false],
    ['*.example.com', 'https://api.example.com', true],
    ['*.Example.com', 'https://a.b.example.com', true],
    ['*.example.com', 'https://example.com', false],
    ['*.example.com', 'https://evilexample.com', false],
    ['*.example.com', 'https://api.example.com:8443', false],
    ['*.example.com:8443', 'https://api.example.com:8443', true],
    ['*.example.com:8443', 'https://api.example.com', false],
    ['xn--bcher-kva.example', 'https://b\u00fccher.example', true],
    ['10.0.0.1', 'https://10.0.0.1', true],
    ['10.0.0.1', 'https://0xa.1', true],
    ['10.0.0.1', 'https://10.0.0.2', false],
    ['10.0.0.1:8443', 'https://10.0.0.1:8443', true],
    ['[2001:db8::1]', 'https://[2001:db8::1]', true],
    ['[2001:db8::1]:8443', 'https://[2001:db8::1]:8443', true],
    ['[2001:db8::1]', 'https://[2001:db8::2]', false],
    ['2001:db8::1', 'https://[2001:db8::1]', false],
    ['*', 'https://example.com', false],
    ['none', 'https://example.com', false],
    ['com', 'https://example.com', false],
    ['example', 'https://example.com', false],
    ['a_b.example', 'https://a_b.example', true],
  ])('%s and %s: %s', async (entry, url, isAllowed) => {
    expect({ ...(await verdicts(entry, url)), pack: await packAllows(entry, url) }).toEqual({
      proxy: isAllowed,
      step: isAllowed,
      pack: isAllowed,
    });
  });

  it.each<[string, string]>([
    ['example.com:443', 'https://example.com'],
    ['example.com:80', 'http://example.com'],
    ['example.com', 'https://example.com.'],
    ['example.com.', 'https://example.com'],
    ['[2001:db8:0::1]', 'https://[2001:db8::1]'],
    ['0xa.1', 'https://10.0.0.1'],
  ])(
    '%s and %s are the same host in other letters, which policy, judging what is written, does not take for it',
    async (entry, url) => {
      expect({ ...(await verdicts(entry, url)), pack: await packAllows(entry, url) }).toEqual({
        proxy: true,
        step: true,
        pack: false,
      });
    },
  );

  it.each<[string, string]>([
    ['*.0.0.1', 'https://10.0.0.1'],
    ['*.1', 'https://10.0.0.1'],
    ['none', 'https://none'],
  ])('%s never stands for %s where a step is held to it', async (entry, url) => {
    expect(await verdicts(entry, url)).toEqual({ proxy: false, step: false });
  });
});

describe('the normal form of a host', () => {
  it.each([
    ['Example.COM.', 'example.com'],
    ['127.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0177.0.0.1.', '127.0.0.1'],
    ['[0:0:0:0:0:0:0:1]', '[::1]'],
    ['[::FFFF:127.0.0.1]', '[::ffff:7f00:1]'],
    ['-a', '-a'],
    ['b\u00fccher.example', undefined],
    ['\u212aelvin.example', undefined],
    ['a..b', undefined],
    ['.a', undefined],
    ['a..', undefined],
    ['.', undefined],
    ['', undefined],
    ['a b', undefined],
    ['a%2eb', undefined],
    ['a@b', undefined],
    ['a\n', undefined],
    ['a:1', undefined],
    ['256.0.0.1', undefined],
    ['1.2.3.4.5', undefined],
    ['[fe80::1%eth0]', undefined],
    ['[::1', undefined],
    ['a'.repeat(255), undefined],
  ])('of %j is %j', (text, host) => {
    expect(normalHost(text)).toBe(host);
  });
});

describe('the kind of an address', () => {
  it.each([
    ['public', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::101:101'],
    ['loopback', '127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1'],
    ['private', '10.0.0.0', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '198.19.255.255'],
    ['private', 'fc00::1', 'fdff::1', 'fec0::1', '::ffff:10.0.0.1', '::ffff:a00:1', '64:ff9b::a00:1', '64:ff9b:1::1'],
    ['forbidden', '0.0.0.0', '0.1.2.3', '169.254.169.254', '224.0.0.1', '239.1.1.1', '240.0.0.1', '255.255.255.255'],
    ['forbidden', '100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254'],
    ['forbidden', '::', 'fe80::1', 'febf::1', 'ff02::1', '::ffff:169.254.169.254', '::ffff:0.0.0.0'],
    ['forbidden', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1', '2001:0:1::1', '::a9fe:a9fe', '::2', '::7f00:1'],
    ['forbidden', 'fe80::1%eth0', '::1%lo', '127.1', '', 'localhost', '[::1]', '10.0.0.1:80', '0x7f000001'],
  ])('%s: %s', (kind, ...addresses) => {
    expect(Object.fromEntries(addresses.map((address) => [address, addressKind(address)]))).toEqual(
      Object.fromEntries(addresses.map((address) => [address, kind])),
    );
  });
});
