import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeNpmProject } from '../unit/steps/npm-project.ts';
import { Project } from './maestro.ts';

const GUIDE = readFileSync(resolve(import.meta.dirname, '../../docs/guides/supply-chain.md'), 'utf8');
const PIPELINE = /```yaml\n([^]*?)```/.exec(GUIDE)?.[1] ?? '';
/** Put together here: nobody ever had it. */
const SECRET = ['ghp', 'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'].join('_');
const WEAKNESS = 'GHSA-35jh-r3h4-6jhm';

describe('the pipeline of the guide on the supply chain, by the command line', () => {
  let project: Project;
  let registry: Server;

  beforeEach(async () => {
    registry = createServer((request, response) => {
      request.resume();
      // npm asks for the package itself as well, to find others that need it.
      const isAudit = request.url === '/-/npm/v1/security/advisories/bulk';
      const advisory = {
        id: 1,
        url: `https://github.com/advisories/${WEAKNESS}`,
        title: 'Command Injection',
        severity: 'high',
        vulnerable_versions: '<4.17.21',
      };
      const body = JSON.stringify(isAudit ? { lodash: [advisory] } : {});
      response.writeHead(isAudit ? 200 : 404, { 'content-type': 'application/json' }).end(body);
    });
    await new Promise<void>((listening) => registry.listen(0, '127.0.0.1', listening));
    project = new Project();
    writeNpmProject(project.root);
    project.write('.npmrc', `registry=http://127.0.0.1:${(registry.address() as AddressInfo).port}/\n`);
    // The keys of this very test lie in the project.
    project.write('.secretsignore', '.keys/** privatekey\n');
    project.write('vex.cdx.json', vex('not_affected'));
    // Of the scanners that may be on this machine only npm is asked.
    project.pipeline(PIPELINE.replace('threshold: high', 'scanner: npm-audit, threshold: high'));
  });
  afterEach(async () => {
    project.remove();
    registry.closeAllConnections();
    await new Promise((closed) => registry.close(closed));
  });

  const vex = (state: string): string =>
    JSON.stringify({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      vulnerabilities: [{ id: WEAKNESS, analysis: { state }, affects: [{ ref: 'pkg:npm/lodash@4.17.20' }] }],
    });
  const read = (path: string): string => readFileSync(join(project.root, path), 'utf8');

  it('describes, scans, searches, and hands the SBOM on', { timeout: 120_000 }, async () => {
    expect((await project.maestro('lint')).stdout).not.toMatch(/error|warning/i);
    const ended = await project.maestro('run');
    expect(ended).toMatchObject({ code: 0 });
    expect(read('release/sbom.cdx.json')).toBe(read('sbom.cdx.json'));
    expect(JSON.parse(read('sbom.cdx.json'))).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    expect(JSON.parse(read('scan/scan.json'))).toMatchObject({ scanner: 'npm-audit', suppressed: [{ id: WEAKNESS }] });
    expect(JSON.parse(read('scan/secrets.sarif'))).toMatchObject({ runs: [{ results: [] }] });
  });

  it('fails at a weakness that nobody speaks against', { timeout: 120_000 }, async () => {
    project.write('vex.cdx.json', vex('in_triage'));
    const ended = await project.maestro('run');
    expect(ended.code).not.toBe(0);
    expect(ended.stdout).toContain(`${WEAKNESS} in lodash@4.17.20`);
  });

  it('fails at a planted secret, and tells it nowhere', { timeout: 120_000 }, async () => {
    project.write('src/config.ts', `export const token = '${SECRET}';\n`);
    const ended = await project.maestro('run');
    expect(ended.code).not.toBe(0);
    expect(ended.stdout).toContain('src/config.ts:1 (github)');
    const logs = await project.maestro('logs');
    const status = await project.maestro('status', '--json');
    expect([ended, logs, status].map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain(SECRET);
    expect(read('scan/secrets.sarif')).not.toContain(SECRET);
  });
});
