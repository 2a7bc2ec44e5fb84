import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPolicy } from '@open-policy-agent/opa-wasm';
import { expect, test } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { describeWith } from '../../real-parts.ts';
import { BUNDLE, FILES, POLICY_FOLDER } from './fixture.ts';

const COVERAGE_PERCENT_MIN = 95;
/** Some hundred decisions by an interpreter, on a machine that may have other things to do. */
const OWN_TESTS_MS_MAX = 180_000;

const PACKS = readdirSync(join(POLICY_FOLDER, 'packs'));
const REGO_FILES = [
  ...readdirSync(POLICY_FOLDER).filter((name) => /(?<!_test)\.rego$/.test(name)),
  ...PACKS.map((name) => `packs/${name}/rules.rego`),
];

describeWith('opa', 'the policy sources', (opa) => {
  const run = (...args: readonly string[]) => spawnSync(opa, args, { cwd: POLICY_FOLDER, encoding: 'utf8' });

  test('build to the very bytes that are committed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'maestro-build-'));
    try {
      const build = spawnSync(process.execPath, ['build.ts', opa, folder], { cwd: POLICY_FOLDER, encoding: 'utf8' });
      expect(build.stderr).toBe('');
      const names = readdirSync(join(folder, 'dist'));
      expect(names).toEqual(readdirSync(join(POLICY_FOLDER, 'dist')));
      for (const name of names) {
        const built = digestBytes(readFileSync(join(folder, 'dist', name)));
        expect([name, built]).toEqual([name, digestBytes(readFileSync(join(POLICY_FOLDER, 'dist', name)))]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('pass their own tests, which reach nearly every rule', { timeout: OWN_TESTS_MS_MAX }, () => {
    const tests = run('test', '.', '--coverage', '--timeout', '2m');
    expect([tests.status, tests.stderr]).toEqual([0, '']);
    const { files } = JSON.parse(tests.stdout) as { files: Record<string, { coverage: number }> };
    expect(Object.keys(files).filter((file) => !file.endsWith('_test.rego'))).toHaveLength(REGO_FILES.length);
    for (const [file, { coverage }] of Object.entries(files)) {
      expect([file, coverage >= COVERAGE_PERCENT_MIN]).toEqual([file, true]);
    }
  });

  test('are formatted and pass the strict check', () => {
    expect(run('fmt', '--list', '.')).toMatchObject({ status: 0, stdout: '' });
    expect(run('check', '--strict', '.')).toMatchObject({ status: 0, stderr: '' });
  });
});

test('the committed manifest names the digest of every source', () => {
  const { sources } = JSON.parse(FILES.manifest.toString('utf8')) as { sources: Record<string, string> };
  const expected = [...REGO_FILES, ...PACKS.map((name) => `packs/${name}/pack.yaml`)];
  expect(Object.keys(sources).toSorted()).toEqual(expected.toSorted());
  for (const [path, digest] of Object.entries(sources)) {
    expect([path, digestBytes(readFileSync(join(POLICY_FOLDER, path)))]).toEqual([path, digest]);
  }
});

test('no pack calls a function of the host, so none can read the clock, the network or randomness', async () => {
  const { mem, wasmInstance } = await loadPolicy(BUNDLE.wasm);
  const { builtins, opa_json_dump: dump } = (wasmInstance as { exports: Record<string, (address?: number) => number> })
    .exports;
  const address = dump?.(builtins?.()) ?? 0;
  const bytes = new Uint8Array((mem as { buffer: ArrayBuffer }).buffer, address);
  expect(new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)))).toBe('{}');
});
