import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { leaseOf } from '../worker/leases.ts';
import { WorkRoom } from '../worker/work-room.ts';
import { writeNpmProject } from './npm-project.ts';

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

const write = (path: string, content: string | JsonObject): void => {
  const full = join(room.repositoryRoot, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
};
const read = (path: string): JsonObject => JSON.parse(readFileSync(join(room.repositoryRoot, path), 'utf8'));

describe('security.scan by npm audit, against a registry on loopback', () => {
  let server: Server;
  let url: string;
  let asked: JsonObject | undefined;
  let answer: () => { status: number; body: unknown };

  beforeEach(async () => {
    asked = undefined;
    server = createServer((request, response) => {
      void buffer(request).then((bytes) => {
        if (request.url !== '/-/npm/v1/security/advisories/bulk') return response.writeHead(404).end('{}');
        asked = JSON.parse((request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString());
        const { status, body } = answer();
        return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    writeNpmProject(room.repositoryRoot);
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  const advisory = {
    id: 1106913,
    url: 'https://github.com/advisories/GHSA-35jh-r3h4-6jhm',
    title: 'Command Injection in lodash',
    severity: 'high',
    vulnerable_versions: '<4.17.21',
    cwe: ['CWE-77'],
    cvss: { score: 7.2, vectorString: 'CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H' },
  };
  const audit = (input: JsonObject = {}) =>
    room.run(leaseOf({}, { uses: 'security.scan', with: { scanner: 'npm-audit', registry: url, ...input } }), {
      hostEnv: process.env,
    });

  it('tells the weak version of the lock file', { timeout: 60_000 }, async () => {
    answer = () => ({ status: 200, body: { lodash: [advisory] } });
    const outcome = await audit();
    expect(asked).toMatchObject({ lodash: ['4.17.20'] });
    expect(outcome).toMatchObject({
      kind: 'failed',
      errorCode: 'SCAN_OVER_THRESHOLD',
      outputs: { scanner: 'npm-audit', counts: { high: 1 } },
    });
    expect(outcome.message).toContain('GHSA-35jh-r3h4-6jhm in lodash@4.17.20 (high)');
  });

  it.each([
    ['offline=true', 'SCAN_OVER_THRESHOLD'],
    ['workspaces=false', 'SCAN_OVER_THRESHOLD'],
    ['workspaces=true', 'SCAN_OVER_THRESHOLD'],
    ['# workspace=packages/empty', 'SCAN_OVER_THRESHOLD'],
    ['workspace=packages/empty', 'SCAN_FAILED'],
    ['workspace[] = packages/empty', 'SCAN_FAILED'],
    ['"workspace"=packages/empty', 'SCAN_FAILED'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: npm puts variables in.
    ['${NOBODY?}workspace=packages/empty', 'SCAN_FAILED'],
  ])('is no scan of less where .npmrc says %s', { timeout: 60_000 }, async (line, errorCode) => {
    answer = () => ({ status: 200, body: { lodash: [advisory] } });
    write('packages/weak/package.json', { name: 'weak', version: '1.0.0', dependencies: { lodash: '4.17.20' } });
    write('packages/empty/package.json', { name: 'empty', version: '1.0.0' });
    const head = { name: 'shop', version: '1.2.3', workspaces: ['packages/*'], dependencies: { ms: '2.1.2' } };
    write('package.json', head);
    const { packages, ...lock } = read('package-lock.json') as { packages: JsonObject };
    write('package-lock.json', {
      ...lock,
      packages: {
        '': head,
        'packages/weak': { name: 'weak', version: '1.0.0', dependencies: { lodash: '4.17.20' } },
        'packages/empty': { name: 'empty', version: '1.0.0' },
        'node_modules/weak': { resolved: 'packages/weak', link: true },
        'node_modules/empty': { resolved: 'packages/empty', link: true },
        'node_modules/lodash': packages['node_modules/lodash'] as JsonObject,
        'node_modules/ms': packages['node_modules/ms'] as JsonObject,
      },
    });
    write('.npmrc', `${line}\n`);
    expect(await audit()).toMatchObject({ kind: 'failed', errorCode });
  });

  it.each(['omit[]=dev', 'omit=dev', 'production=true', 'only=prod'])(
    'asks about what is needed to build, too, where .npmrc says %s',
    { timeout: 60_000 },
    async (line) => {
      answer = () => ({ status: 200, body: {} });
      write('.npmrc', `${line}\n`);
      expect(await audit()).toMatchObject({ kind: 'succeeded' });
      expect(asked).toMatchObject({ debug: ['4.3.4'] });
    },
  );

  it('passes where the registry knows of nothing', { timeout: 60_000 }, async () => {
    answer = () => ({ status: 200, body: {} });
    expect(await audit()).toMatchObject({ kind: 'succeeded', outputs: { findings: 0 } });
  });

  it('is no scan without findings where the registry fails', { timeout: 60_000 }, async () => {
    answer = () => ({ status: 400, body: { error: 'no' } });
    expect(await audit()).toMatchObject({ kind: 'failed', errorCode: 'SCAN_FAILED' });
  });
});
