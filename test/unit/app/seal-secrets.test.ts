import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const SCRIPT = resolve(import.meta.dirname, '../../../app/seal-secrets.ts');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maestro-seal-'));
});
afterAll(() => rm(folder, { recursive: true }));

function run(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { input, encoding: 'utf8' });
  return { status, stdout, stderr };
}

it('seals what a server can read, and opens it again', async () => {
  const file = join(folder, 'identity');
  const { stdout: recipient } = run(['identity', file]);
  expect(recipient).toMatch(/^age1[a-z0-9]+\n$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const secrets = 'acme/orders:\n  NPM_TOKEN: PLANTED\n';
  const sealed = run(['seal', '--to', recipient.trim()], secrets);
  expect(sealed).toMatchObject({ status: 0, stderr: '' });
  expect(sealed.stdout).not.toContain('PLANTED');
  expect(run(['open', '--identity', file], sealed.stdout)).toEqual({ status: 0, stdout: secrets, stderr: '' });

  const before = await readFile(file, 'utf8');
  expect(run(['identity', file])).toMatchObject({ status: 2, stderr: expect.stringContaining('EEXIST') });
  expect(await readFile(file, 'utf8')).toBe(before);
});

it.each<[string, readonly string[], string]>([
  ['secrets that are written wrongly', ['seal', '--to', 'age1x'], 'acme/orders:\n  NPM_TOKEN: [PLANTED]'],
  ['an identity in the place of a recipient', ['seal', '--to', 'AGE-SECRET-KEY-1PLANTED'], '{}'],
  ['nobody to seal to', ['seal'], '{}'],
  ['more than 1 MiB', ['seal', '--to', 'age1x'], 'PLANTED'.repeat(200_000)],
  ['no command', [], ''],
  ['an unknown flag', ['seal', '--all'], ''],
])('refuses %s, and shows nothing of it', (_what, args, input) => {
  const { status, stdout, stderr } = run(args, input);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^error\[/);
  expect(stderr).not.toContain('PLANTED');
});
