import { readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlSocketPath } from '../../app/control-socket.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { Project, type Running } from './maestro.ts';

const TIMEOUT_MS = 90_000;
/** SIGTERM, then SIGKILL after a grace of 5 s; `sleep` ends at the first. The rest is for a busy machine. */
const CANCEL_MS_MAX = 8000;

const GATE = `name: gate
steps:
  - { id: one, run: echo one }
  - { id: consent, uses: approval }
  - { id: after, run: echo after }
`;
const SLOW = 'name: slow\nsteps:\n  - { id: wait, run: "echo begun; sleep 3301" }\n';

describe('two processes on one embedded state', { timeout: TIMEOUT_MS }, () => {
  const project = new Project();
  const socket = controlSocketPath(join(project.root, '.maestro', 'state'));
  const open: Running[] = [];
  const start = (...words: string[]): Running => {
    const running = project.start(words);
    open.push(running);
    return running;
  };
  beforeAll(async () => {
    project.write('.maestro/gate.yaml', GATE);
    project.write('.maestro/slow.yaml', SLOW);
    await project.maestro('status');
  }, TIMEOUT_MS);
  afterAll(async () => {
    for (const { child } of open) child.kill('SIGKILL');
    await Promise.all(open.map(({ ended }) => ended));
    project.remove();
  });

  it('the second one looks and approves while the first waits, and cannot run anything itself', async () => {
    const first = start('run', 'gate', '--wait');
    await first.says('consent waits');
    const status = await project.maestro('status', 'latest', '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({
      status: 'running',
      steps: [{}, { id: 'consent', status: 'held' }, {}],
    });
    expect((await project.maestro('logs', 'latest')).stdout).toBe('one | one\n');
    const refused = await project.maestro('run', 'slow', '--json');
    expect(refused.code).toBe(EXIT.failed);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'STATE_LOCKED' } });
    const unknown = await project.maestro('approve', 'latest', '--gate', 'nowhere', '--json');
    expect(unknown.stdout).toMatch(/STEP_NOT_FOUND|GATE_NOT_OPEN/);
    const approved = await project.maestro('approve', 'latest', '--reason', 'fine', '--json');
    expect(approved.code).toBe(EXIT.ok);
    expect(JSON.parse(approved.stdout)).toMatchObject({ status: 'succeeded', receipt: { status: 'signed' } });
    expect(await first.ended).toMatchObject({ code: EXIT.ok });
  });

  it('the second one cancels what the first runs, and a third one watches it end', async () => {
    const first = start('run', 'slow');
    await first.says('begun');
    const watcher = start('watch', 'latest');
    await watcher.says('begun');
    const beganMs = performance.now();
    const cancelled = project.maestro('cancel', 'latest');
    expect(await first.ended).toMatchObject({ code: EXIT.failed });
    expect(performance.now() - beganMs).toBeLessThan(CANCEL_MS_MAX);
    expect(await cancelled).toMatchObject({ code: EXIT.ok });
    const watched = await watcher.ended;
    expect(watched.code).toBe(EXIT.failed);
    expect(watched.stdout).toContain('receipt signed');
  });

  it('a watcher outlives the killed process, holds the state on, and answers for the next one', async () => {
    const first = start('run', 'slow');
    await first.says('begun');
    const watcher = start('watch', 'latest', '--json');
    await watcher.says('step.started');
    first.child.kill('SIGKILL');
    await watcher.says('step.lost');
    expect(await project.maestro('cancel', 'latest')).toMatchObject({ code: EXIT.ok });
    const watched = await watcher.ended;
    const seqs = watched.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect(seqs).toEqual(seqs.map((_, at) => at + 1));
  });

  it('the socket is for this user alone, and takes no hostile call', async () => {
    const first = start('run', 'slow');
    await first.says('begun');
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(await post(socket, '/startRun', '[]')).toContain('UNSUPPORTED');
    expect(await post(socket, '/constructor', '[]')).toContain('UNSUPPORTED');
    expect(await post(socket, '/readRun', '[{"toString":1}]')).toContain('USAGE');
    expect(await post(socket, '/listRuns', '["1; drop table run"]')).toContain('USAGE');
    expect(await post(socket, '/listRuns', '[1001]')).toContain('USAGE');
    expect(await post(socket, '/listRuns', '[1]')).toContain('"value"');
    expect(JSON.parse(await post(socket, '/readRun', '{'))).toEqual({
      error: { code: 'USAGE', message: expect.any(String) },
    });
    expect(await post(socket, '/readRun', `["${'x'.repeat(100_000)}"]`)).toContain('USAGE');
    first.child.kill('SIGINT');
    expect(await first.ended).toMatchObject({ code: EXIT.failed });
  });

  it('the socket answers for its own user or a claimed name, and for nobody whom another provider vouches for', async () => {
    const first = start('run', 'gate', '--wait');
    await first.says('consent waits');
    const answer = (change: object) =>
      post(socket, '/answerGate', JSON.stringify([{ runId: 'latest', decision: 'deny', reason: 'no', ...change }]));
    for (const wrong of [
      { principal: { provider: 'github', login: 'torvalds' } },
      { principal: { provider: 'local', login: 'a b' } },
      { principal: { provider: 'local', login: 7 } },
      { decision: 'maybe' },
      { decision: undefined },
    ])
      expect(JSON.parse(await answer(wrong))).toMatchObject({ error: { code: 'USAGE' } });
    expect(await answer({})).toContain('"value"');
    expect(await first.ended).toMatchObject({ code: EXIT.denied });
    const record = await project.maestro('receipt', 'latest', '-o', 'denied');
    expect(record).toMatchObject({ code: EXIT.ok });
    expect(readFileSync(join(project.root, 'denied', 'run.json'), 'utf8')).toContain(
      '"id":"tester","provider":"local"',
    );
  });

  it('a step that calls maestro cannot answer the gates of its own run', async () => {
    const cli = resolve(import.meta.dirname, '../../app/cli.ts');
    const script = `${process.execPath} ${cli} approve latest --gate consent --json || echo "exit $?"`;
    project.write(
      '.maestro/greedy.yaml',
      `name: greedy\nsteps:\n  - { id: first, run: "true" }\n  - { id: consent, uses: approval, needs: [first] }\n  - { id: greedy, needs: [first], run: '${script}' }\n`,
    );
    expect(await project.maestro('run', 'greedy')).toMatchObject({ code: EXIT.waiting });
    const { stdout } = await project.maestro('logs', 'latest', '--step', 'greedy');
    expect(stdout).toContain('NOT_FROM_STEP');
    expect(stdout).toContain('exit 2');
    expect(await project.maestro('cancel', 'latest')).toMatchObject({ code: EXIT.ok });
  });

  it('a path too long for a socket: it lies in a private folder instead', () => {
    const long = join('/', 'x'.repeat(120));
    const path = controlSocketPath(long);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
    expect(path).not.toBe(controlSocketPath(`${long}y`));
    expect(controlSocketPath('/short')).toBe('/short/control.sock');
  });
});

function post(socketPath: string, path: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method: 'POST' }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    call.on('error', reject);
    call.end(body);
  });
}
