import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CheckoutRequest, checkOut } from '../../../actions/run/checkout.ts';
import { PROCESS_ISOLATION } from '../../../src/worker/isolation.ts';
import { GitServer } from '../../fakes/git-server.ts';

const TOKEN = 'token-of-the-job-4711';

describe('the checkout of a job', () => {
  let server: GitServer;
  let url = '';
  let folder = '';
  beforeEach(async () => {
    server = new GitServer();
    url = await server.open();
    folder = mkdtempSync(join(tmpdir(), 'maestro-checkout-'));
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const request = (sha: string, changes: Partial<CheckoutRequest> = {}): CheckoutRequest => ({
    serverUrl: url,
    owner: 'acme',
    repo: 'app',
    sha,
    token: TOKEN,
    folder,
    hostEnv: process.env,
    isolation: PROCESS_ISOLATION,
    signal: new AbortController().signal,
    ...changes,
  });

  it('has the files of the named commit, not of the branch, and nothing of the history', async () => {
    server.commit({ 'a.txt': 'first' });
    const tested = server.commit({ 'a.txt': 'tested' });
    server.commit({ 'a.txt': 'later' });
    await checkOut(request(tested));
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('tested');
    expect(
      execFileSync('git', ['rev-list', '--all', '--count', 'HEAD'], { cwd: folder, encoding: 'utf8' }).trim(),
    ).toBe('1');
  });

  it('shows the token to the server, and leaves it in no file', async () => {
    await checkOut(request(server.commit({ 'a.txt': 'a' })));
    const login = `basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`;
    expect(new Set(server.logins)).toEqual(new Set([login]));
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name)).toContain('config');
    const texts = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'));
    expect(texts.join('\n')).not.toContain(TOKEN);
    expect(texts.join('\n')).not.toContain(login.slice(6));
  });

  it('takes no setting from GIT_ variables or the home folder of the machine', async () => {
    const sha = server.commit({ 'a.txt': 'a' });
    const marker = join(folder, 'hook-ran');
    const hostEnv = {
      ...process.env,
      GIT_DIR: '/nonexistent',
      GIT_CONFIG_PARAMETERS: `'core.sshCommand=touch ${marker}'`,
      GIT_TRACE: join(folder, 'trace'),
      GIT_TEMPLATE_DIR: '/nonexistent',
    };
    await checkOut(request(sha, { hostEnv }));
    expect(existsSync(join(folder, 'a.txt'))).toBe(true);
    expect(existsSync(join(folder, 'trace'))).toBe(false);
    expect(globSync('.git/hooks/*', { cwd: folder })).toEqual([]);
  });

  it('runs no filter that the repository asks for', async () => {
    const sha = server.commit({ '.gitattributes': '*.bin filter=lfs\n', 'a.bin': 'pointer' });
    await checkOut(request(sha));
    expect(readFileSync(join(folder, 'a.bin'), 'utf8')).toBe('pointer');
  });

  it('tries again when the server is busy', async () => {
    const sha = server.commit({ 'a.txt': 'a' });
    server.failuresLeft = 1;
    await checkOut(request(sha));
    expect(existsSync(join(folder, 'a.txt'))).toBe(true);
  });

  it('says which commit cannot be had, without the token', async () => {
    server.commit({ 'a.txt': 'a' });
    const failed = checkOut(request('0123456789012345678901234567890123456789'));
    await expect(failed).rejects.toMatchObject({ code: 'NETWORK_FAILED' });
    await expect(failed).rejects.toThrow(/acme\/app at 0123456789/);
    await expect(failed).rejects.not.toThrow(TOKEN);
  });

  it.each([
    ['a branch', { sha: 'main' }],
    ['an option', { sha: '--upload-pack=touch' }],
    ['a path as the owner', { owner: '../..' }],
    ['an address as the name', { repo: 'a@evil.example/b' }],
  ])('refuses %s where a name or a commit belongs', async (_, changes) => {
    await expect(checkOut(request('0123456789012345678901234567890123456789', changes))).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    });
  });
});
