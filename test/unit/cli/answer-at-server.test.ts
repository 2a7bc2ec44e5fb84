import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeProcess, temporaryFolder } from './harness.ts';

const RUN = '01kdxyz0a0m1n2p3q4r5s6t7v8';
const TOKEN = `ghp_${'t'.repeat(36)}`;
const ANSWERED = {
  run: RUN,
  gate: 'prod',
  decision: 'approve',
  person: 'ada',
  planDigest: `sha256:${'a'.repeat(64)}`,
  status: 'running',
  isWaiting: true,
};

describe('an answer to a run of a server', () => {
  let server: Server;
  let url = '';
  let seen: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: unknown }[] = [];
  let reply: { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> };
  beforeEach(async () => {
    seen = [];
    reply = { status: 200, body: ANSWERED };
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => (text += String(chunk)));
      request.on('end', () => {
        seen.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(text) });
        const { status, body, headers = {} } = reply;
        response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const shell = (variables: Record<string, string> = { GH_TOKEN: TOKEN }) =>
    new FakeProcess({ cwd: temporaryFolder(), variables });

  it('is sent with the token of the environment, and told', async () => {
    const process = shell();
    const digest = ANSWERED.planDigest;
    const words = ['approve', RUN, 'prod', '--server', url, '--reason', 'fine', '--plan-digest', digest];
    expect(await process.run(...words)).toBe(0);
    expect(seen).toMatchObject([
      {
        path: `/api/v1/runs/${RUN}:approve`,
        headers: { authorization: `Bearer ${TOKEN}` },
        body: { gate: 'prod', reason: 'fine', planDigest: digest },
      },
    ]);
    expect(process.out).toBe(`ada approved gate prod of ${RUN}; it waits for more\n`);
    expect(process.opened).toEqual([]);
  });

  it.each(['deny', 'revoke'])('may be to %s, of whatever waits', async (verb) => {
    reply = { status: 200, body: { ...ANSWERED, decision: verb, gate: null, status: 'cancelled', isWaiting: false } };
    const process = shell();
    expect(await process.run(verb, RUN, '--server', url, '--json')).toBe(0);
    expect(seen).toMatchObject([{ path: `/api/v1/runs/${RUN}:${verb}`, body: { reason: '' } }]);
    expect(JSON.parse(process.out)).toMatchObject({ decision: verb, gate: null });
  });

  it('takes the token that was meant for Maestro before those that are there anyway', async () => {
    const own = `github_pat_${'m'.repeat(40)}`;
    await shell({ GH_TOKEN: TOKEN, MAESTRO_TOKEN: own }).run('approve', RUN, '--server', url);
    expect(seen[0]?.headers.authorization).toBe(`Bearer ${own}`);
  });

  it('says what the server says, with its code', async () => {
    reply = { status: 403, body: { code: 'APPROVAL_NOT_ALLOWED', detail: 'ada wrote it \u001b[31m' } };
    const process = shell();
    expect(await process.run('approve', RUN, '--server', url)).toBe(3);
    expect(process.err).toContain('error[APPROVAL_NOT_ALLOWED]: ada wrote it');
    expect(process.err).not.toContain('\u001b');
  });

  it.each<[string, number, unknown, Record<string, string>]>([
    ['a page', 200, '<html>', {}],
    ['a page of a proxy', 502, '<html>', {}],
    ['a code that nobody knows', 418, { code: 'TEAPOT', detail: 'x' }, {}],
    ['another address', 307, '', { location: 'http://127.0.0.1:9/' }],
  ])('fails where there is no Maestro but %s', async (_, status, body, headers) => {
    reply = { status, body, headers };
    const process = shell();
    expect(await process.run('approve', RUN, '--server', url)).toBe(1);
    expect(process.err).toContain('error[NETWORK_FAILED]');
    expect(process.err).not.toContain(TOKEN);
  });

  it.each<[string, readonly string[], string]>([
    ['plain http to another machine', ['approve', RUN, '--server', 'http://maestro.example'], 'USAGE'],
    ['the newest run, which only this machine knows', ['approve', 'latest', '--server', 'https://x.example'], 'USAGE'],
    ['somebody else', ['approve', RUN, '--server', 'https://x.example', '--actor', 'bo'], 'USAGE'],
    ['a plan without a server', ['approve', RUN, '--plan-digest', ANSWERED.planDigest], 'USAGE'],
  ])('is refused for %s, before anything is sent', async (_, words, code) => {
    const process = shell();
    expect(await process.run(...words)).toBe(2);
    expect(process.err).toContain(`error[${code}]`);
    expect(seen).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ['without a token', {}],
    ['with something else in its place', { GITHUB_TOKEN: 'two words' }],
  ])('is refused %s', async (_, variables) => {
    const process = shell(variables);
    expect(await process.run('approve', RUN, '--server', url)).toBe(2);
    expect(process.err).toContain('error[CONFIG_INVALID]');
    expect(seen).toEqual([]);
  });
});
