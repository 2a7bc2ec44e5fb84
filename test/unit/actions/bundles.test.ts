import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildActions } from '../../../actions/build.ts';
import type { Json } from '../../../src/base/json.ts';
import { cyclonedxNpmProgram } from '../../../src/steps/supplychain/cyclonedx-npm-program.ts';
import { computeInThread } from '../../../src/steps/thread.ts';
import { writeNpmProject } from '../steps/npm-project.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

describe('the committed bundles of the actions', async () => {
  const built = await buildActions();
  const text = (path: string): string => Buffer.from(built.get(path) ?? '').toString('utf8');

  it('are what the sources make, byte for byte (else: npm run actions:build)', () => {
    const committed = globSync('actions/*/dist/**/*.*', { cwd: ROOT }).sort();
    expect([...built.keys()].sort()).toEqual(committed);
    const stale = committed.filter(
      (path) => !readFileSync(join(ROOT, path)).equals(built.get(path) ?? Buffer.alloc(0)),
    );
    expect(stale).toEqual([]);
  });

  it('are what the action files name', () => {
    for (const file of ['action.yml', 'actions/lint/action.yml', 'actions/verify/action.yml']) {
      const { runs } = parse(readFileSync(join(ROOT, file), 'utf8'));
      expect(runs.using).toBe('node24');
      expect(built.has(join(file, '..', runs.main))).toBe(true);
    }
  });

  it('say nothing of the machine that made them', () => {
    for (const path of built.keys()) expect(text(path)).not.toContain(ROOT);
  });

  it('stay small, without database, policy engine or server', () => {
    const kilobytes = (path: string): number => text(path).length / 1024;
    expect(kilobytes('actions/run/dist/main.js')).toBeLessThan(900);
    expect(kilobytes('actions/lint/dist/main.js')).toBeLessThan(800);
    expect(kilobytes('actions/verify/dist/main.js')).toBeLessThan(100);
    expect([...built.keys()].filter((path) => /pglite|opa_wasm|OpaWasm|probot/i.test(text(path)))).toEqual([]);
  });

  it('make the same SBOM as the sources, with what they carry', { timeout: 60_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-bundle-'));
    try {
      // Elsewhere, so that nothing of this checkout is found by chance.
      cpSync(join(ROOT, 'actions/run/dist'), join(folder, 'dist'), { recursive: true });
      writeNpmProject(join(folder, 'project'));
      const programs = [join(folder, 'dist/cyclonedx-npm-program.js'), cyclonedxNpmProgram()];
      const [bundled, source] = programs.map((program) => {
        const argv = [program, '--output-reproducible', '--no-validate', '--package-lock-only'];
        return execFileSync(process.execPath, argv, { cwd: join(folder, 'project'), encoding: 'utf8', stdio: 'pipe' });
      });
      expect(JSON.parse(source ?? '').components).toHaveLength(3);
      expect(bundled).toBe(source);
      expect(text('actions/run/dist/main.js')).toContain('./cyclonedx-npm-program.js');
      expect(text('actions/run/dist/main.js')).not.toContain('import.meta.resolve');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('check an SBOM and search for secrets in threads of their own', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-bundle-'));
    const inThread = (name: string, data: Json) =>
      computeInThread({
        module: pathToFileURL(join(folder, 'dist', name)),
        data,
        timeoutMs: 30_000,
        signal: new AbortController().signal,
      });
    try {
      cpSync(join(ROOT, 'actions/run/dist'), join(folder, 'dist'), { recursive: true });
      const text = JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
      expect(await inThread('sbom-thread.js', { text })).toMatchObject({ components: 0 });
      expect(await inThread('sbom-thread.js', { text: text.replace('1}', '"one"}') })).toMatchObject({
        problem: expect.stringContaining('/version'),
      });
      expect(await inThread('secrets-thread.js', [])).toEqual({ places: [], files: 0, skipped: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('carry the licence of every package in them', () => {
    const licences = text('actions/run/dist/licences.txt');
    for (const name of ['yaml', 'ajv', 'jsonata']) expect(licences).toMatch(new RegExp(`^${name} [\\d.]+ \\(`, 'm'));
    expect(licences).not.toMatch(/see below/);
  });
});
