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

  /** A file with all that it imports before it runs; what it imports later is not read until then. */
  const readAtStart = (path: string, known = new Set<string>()): ReadonlySet<string> => {
    if (known.has(path)) return known;
    known.add(path);
    for (const [, name] of text(path).matchAll(/(?:from|import)"\.\/([\w.-]+\.js)"/g))
      readAtStart(join(path, '..', name ?? ''), known);
    return known;
  };
  const kilobytes = (path: string): number =>
    [...readAtStart(path)].reduce((sum, file) => sum + text(file).length, 0) / 1024;

  it('stay small, without database, policy engine or server', () => {
    expect(kilobytes('actions/run/dist/main.js')).toBeLessThan(650);
    expect(kilobytes('actions/lint/dist/main.js')).toBeLessThan(600);
    expect(kilobytes('actions/verify/dist/main.js')).toBeLessThan(100);
    expect([...built.keys()].filter((path) => /pglite|opa_wasm|OpaWasm|probot/i.test(text(path)))).toEqual([]);
  });

  it('hold the body of a step in a file that is read when such a step is run, and none of it for the linter', () => {
    const files = [...built.keys()];
    const run = readAtStart('actions/run/dist/main.js');
    const bodies = files.filter((path) =>
      /\/(?:shell|scan|secrets|sbom|build-container|registry-push)-[A-Z\d]{8}\.js$/.test(path),
    );
    expect(bodies).toHaveLength(6);
    expect(bodies.filter((path) => run.has(path))).toEqual([]);
    expect(files.filter((path) => path.startsWith('actions/lint/'))).toEqual([
      'actions/lint/dist/main.js',
      'actions/lint/dist/licences.txt',
    ]);
    // What only bodies do: start threads and programs, pack layers, sign messages.
    expect(text('actions/lint/dist/main.js')).not.toMatch(
      /worker_threads|child_process|runProgram|createHmac|USTAR|--redact/i,
    );
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
      const parts = [...built.keys()].filter((path) => /^actions\/run\/dist\/[\w-]+\.js$/.test(path));
      const [sbom = ''] = parts.filter((path) => text(path).includes('./cyclonedx-npm-program.js'));
      expect(sbom).toMatch(/\/sbom-[A-Z\d]{8}\.js$/);
      expect(text(sbom)).not.toContain('import.meta.resolve');
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

  it('name no thread that does not lie beside them', () => {
    const threads = [...built.keys()].flatMap((path) =>
      [...text(path).matchAll(/new URL\("\.\/([\w-]+\.[jt]s)",import\.meta\.url\)/g)].map(([, name]) =>
        join(path, '..', name ?? ''),
      ),
    );
    expect(threads).toContain('actions/run/dist/sbom-thread.js');
    expect(threads.filter((path) => !built.has(path))).toEqual([]);
  });

  it('carry the licence of every package in them', () => {
    const licences = text('actions/run/dist/licences.txt');
    for (const name of ['yaml', 'ajv', 'jsonata']) expect(licences).toMatch(new RegExp(`^${name} [\\d.]+ \\(`, 'm'));
    expect(licences).not.toMatch(/see below/);
  });
});
