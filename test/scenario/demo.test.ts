import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const DEMO = join(ROOT, 'app/demo.ts');
/** On two cores the story takes twenty seconds; other tests want their share. */
const STORY_MS_MAX = 180_000;
const CHECK_MS_MAX = 60_000;
/** The server drains, its jobs end, and folders are cleared away. */
const END_MS_MAX = 30_000;

describe('the demo', () => {
  let folder = '';
  let demo: Demo | null = null;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'maestro-demo-'));
  });
  afterEach(async () => {
    await demo?.kill();
    demo = null;
    rmSync(folder, { recursive: true, force: true });
  });

  it('tells its story, stays for those who want to try it, and goes with everything it started when it is told to', {
    timeout: STORY_MS_MAX + CHECK_MS_MAX + END_MS_MAX,
  }, async () => {
    const running = new Demo(['--stay', `--output=${folder}`]);
    demo = running;
    await running.said('Ctrl-C ends it.', STORY_MS_MAX);
    const page = /^ {2}(http:\/\/127\.0\.0\.1:\d+)\/acme\/orders$/m.exec(running.output)?.[1] ?? '';
    const server = /the server +(http:\/\/\S+)\/readyz/.exec(running.output)?.[1] ?? '';
    expect((await fetch(`${server}/readyz`)).status).toBe(200);

    const sha = await pushAs('ada', page);
    await vi.waitFor(async () => expect(await testsOf(page, sha)).toBe('success'), {
      timeout: CHECK_MS_MAX,
      interval: 200,
    });

    const exitCode = await running.interrupt(END_MS_MAX);
    expect(exitCode).toBe(0);
    for (const address of [page, `${server}/readyz`]) await expect(fetch(address)).rejects.toThrow('fetch failed');
    expect(existsSync(join(folder, 'proof', 'receipt.sigstore.json'))).toBe(true);
  });

  it('goes when it is told to in the middle of its story', { timeout: STORY_MS_MAX }, async () => {
    const running = new Demo([`--output=${folder}`]);
    demo = running;
    await running.said('2  ada pushes a mistake', STORY_MS_MAX);
    const server = /the server +(http:\/\/\S+)\/readyz/.exec(running.output)?.[1] ?? '';
    expect(await running.interrupt(END_MS_MAX)).toBe(130);
    await expect(fetch(`${server}/readyz`)).rejects.toThrow('fetch failed');
  });

  it.each([
    ['tells how it is called', ['--help'], 0, ''],
    ['does nothing for a word it does not know', ['--stya'], 2, 'does not know --stya'],
    ['does nothing for a word that is not its own', ['stay'], 2, 'does not know stay'],
    ['clears no folder that is not its own', ['--output=.'], 2, 'not empty'],
    ['wants the name of a folder', ['--output='], 2, 'name of a folder'],
  ])('%s', (_, words, exitCode, complaint) => {
    writeFileSync(join(folder, 'mine.txt'), 'mine');
    const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, ...words], { cwd: folder, encoding: 'utf8' });
    expect(status).toBe(exitCode);
    expect(exitCode === 0 ? stdout : stderr).toContain('npm run demo [-- --stay]');
    expect(stderr).toContain(complaint);
    expect(existsSync(join(folder, 'mine.txt'))).toBe(true);
  });
});

/** The demo as a process of its own, and what it printed. */
class Demo {
  output = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(words: readonly string[]) {
    this.#child = spawn(process.execPath, [DEMO, ...words], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    this.#ended = once(this.#child, 'close');
  }

  async said(words: string, timeoutMs: number): Promise<void> {
    const isSaid = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.output.includes(words)) resolve();
      };
      this.#child.stdout?.on('data', look);
      look();
    });
    const ended = this.#ended.then(() => {
      throw new Error(`the demo ended without saying "${words}":\n${this.output}`);
    });
    await Promise.race([isSaid, ended, patience(timeoutMs, this)]);
  }

  /** Ctrl-C. Answers the exit code. */
  async interrupt(timeoutMs: number): Promise<number | null> {
    this.#child.kill('SIGINT');
    await Promise.race([this.#ended, patience(timeoutMs, this)]);
    return this.#child.exitCode;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await this.#ended;
  }
}

async function patience(ms: number, { output }: Demo): Promise<never> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms).unref();
  });
  throw new Error(`waited ${ms / 1000} s in vain for the demo, which said:\n${output}`);
}

/** Pushes a change as people do: with the token that the page gives to whoever acts as them. */
async function pushAs(login: string, page: string): Promise<string> {
  const users = (await (await fetch(`${page}/_sandbox/users`)).json()) as { login: string; token: string }[];
  const token = users.find((user) => user.login === login)?.token ?? '';
  const path = `${page}/api/v3/repos/acme/orders/contents/src/more.js`;
  const response = await fetch(path, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({
      message: 'feat: more',
      content: btoa('export const more = 1;\n'),
      branch: 'discount-from-ten',
    }),
  });
  const { commit } = (await response.json()) as { commit: { sha: string } };
  return commit.sha;
}

async function testsOf(page: string, sha: string): Promise<string | null> {
  const response = await fetch(`${page}/api/v3/repos/acme/orders/commits/${sha}/check-runs?per_page=100`);
  const { check_runs: checks } = (await response.json()) as {
    check_runs: { name: string; conclusion: string | null }[];
  };
  return checks.find(({ name }) => name === 'maestro / tests')?.conclusion ?? null;
}
