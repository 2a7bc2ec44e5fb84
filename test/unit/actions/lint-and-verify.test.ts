import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signPayload } from '../../../src/provenance/envelope.ts';
import { buildReceipt } from '../../../src/provenance/receipt.ts';
import { sampleRun, sampleSigner } from '../provenance/sample-run.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'maestro-action-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Runs the committed bundle as a job would. */
function run(action: 'lint' | 'verify', inputs: Readonly<Record<string, string>> = {}) {
  const output = join(folder, 'job-output');
  writeFileSync(output, '');
  const named = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]);
  const env = { PATH: process.env.PATH, GITHUB_WORKSPACE: folder, GITHUB_OUTPUT: output, ...Object.fromEntries(named) };
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(ROOT, `actions/${action}/dist/main.js`)], {
    env,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const values = [...readFileSync(output, 'utf8').matchAll(/^([\w-]+)<<(END-\w+)\n(.*)\n\2$/gm)];
  return { stdout, status, outputs: Object.fromEntries(values.map(([, name, , value]) => [name, value])) };
}

const GOOD = 'name: good\non: { push: {} }\nsteps:\n  - id: one\n    run: echo\n';

describe('the action lint', () => {
  it('is content with good pipelines', () => {
    write({ '.maestro/good.yaml': GOOD });
    expect(run('lint')).toMatchObject({ status: 0, outputs: { errors: '0', warnings: '0' } });
  });

  it('marks findings on their lines, of all files', () => {
    write({
      '.maestro/good.yaml': GOOD,
      '.maestro/bad.yaml': GOOD.replace('run: echo', 'rum: echo'),
      '.maestro/worse.yaml': '\0',
    });
    const { stdout, status, outputs } = run('lint');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^::error file=\.maestro\/bad\.yaml,line=\d+,col=\d+,title=[\w-]+::/m);
    expect(stdout).toMatch(/^::error file=\.maestro\/worse\.yaml,line=1,col=1,title=FILE_NOT_READABLE::/m);
    expect(Number(outputs.errors)).toBeGreaterThan(1);
  });

  it('checks the files that are named', () => {
    write({ '.maestro/bad.yaml': 'no', 'other/good.yaml': GOOD });
    expect(run('lint', { files: 'other/good.yaml\n' }).status).toBe(0);
  });

  it('says what is missing where there is no pipeline', () => {
    const { stdout, status } = run('lint');
    expect(status).toBe(1);
    expect(stdout).toContain('does a step before this one check the repository out?');
  });
});

describe('the action verify', () => {
  async function writeReceipt(): Promise<string> {
    const signer = await sampleSigner();
    const { payload, runRecord } = buildReceipt(sampleRun(3));
    write({
      'receipt/receipt.sigstore.json': await signPayload(payload, signer),
      'receipt/run.json': runRecord,
      'trusted.pub': signer.publicKeyPem,
      'stranger.pub': (await sampleSigner()).publicKeyPem,
    });
    return sampleRun(3).run.id;
  }

  it('answers the run of a receipt that holds', async () => {
    const id = await writeReceipt();
    const { status, outputs } = run('verify', { receipt: 'receipt', key: 'trusted.pub', 'run-id': id });
    expect(status).toBe(0);
    expect(outputs['run-id']).toBe(id);
    expect(outputs['payload-sha256']).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    [
      'a changed record',
      { key: 'trusted.pub', 'run-record': 'trusted.pub' },
      /^::error title=Maestro verify%3A SUBJECT_\w+::/,
    ],
    ['another run', { key: 'trusted.pub', 'run-id': 'other' }, /^::error title=Maestro verify%3A RUN_MISMATCH::/],
    ['another commit', { key: 'trusted.pub', commit: 'f'.repeat(40) }, /expected a run of commit ffff/],
    ['a key that is none', { key: 'receipt/run.json' }, /KEY_INVALID/],
    ['no key', {}, /expected the input `key`/],
  ])('refuses %s', async (_, inputs, message) => {
    await writeReceipt();
    const { stdout, status } = run('verify', { receipt: 'receipt', ...inputs });
    expect(status).toBe(1);
    expect(stdout).toMatch(message);
  });

  it('refuses what a stranger signed', async () => {
    await writeReceipt();
    const { status } = run('verify', { receipt: 'receipt', key: 'stranger.pub' });
    expect(status).toBe(1);
  });
});
