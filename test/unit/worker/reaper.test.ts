import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { localWorkerName, reclaimLocalWorkers } from '../../../src/runners/local/worker-name.ts';
import { WORKER_TOKEN_VARIABLE } from '../../../src/worker/reaper.ts';

const REAPER = resolve(import.meta.dirname, '../../../src/worker/reaper.ts');

/** A worker that starts a program which leaves its session, says both pids, and never ends by itself. */
const WORKER = `
import { spawn } from 'node:child_process';
import { openReaper, WORKER_TOKEN_VARIABLE } from ${JSON.stringify(REAPER)};
const reaper = openReaper();
const env = { PATH: process.env.PATH, [WORKER_TOKEN_VARIABLE]: reaper.token };
const step = spawn('/bin/sleep', ['600'], { env, detached: true, stdio: 'ignore' });
step.once('spawn', () => console.log(step.pid));
setInterval(() => {}, 1000);
`;

describe.runIf(process.platform === 'linux')('programs of a killed worker', () => {
  it('end with it, also those that left its session', async () => {
    const worker = spawn(process.execPath, ['--input-type=module', '-e', WORKER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const step = await new Promise<number>((resolve) => {
      worker.stdout.once('data', (bytes: Buffer) => resolve(Number(bytes.toString('utf8'))));
    });
    expect(isAlive(step)).toBe(true);
    worker.kill('SIGKILL');
    await expect.poll(() => isAlive(step), { timeout: 10_000 }).toBe(false);
  });

  it('are killed by whoever takes over its steps, where nothing else did', async () => {
    const token = randomBytes(16).toString('hex');
    const step = spawn('/bin/sleep', ['600'], {
      env: { [WORKER_TOKEN_VARIABLE]: token },
      detached: true,
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => step.once('exit', (_, signal) => resolve(signal)));
    await new Promise((resolve) => step.once('spawn', resolve));
    // Like this process, but with the start time of another: its pid was given away since.
    const dead = localWorkerName(token).replace(/^(local \d+) \d+/, '$1 1');
    expect(await reclaimLocalWorkers([dead])).toEqual([true]);
    expect(await ended).toBe('SIGKILL');
  });
});

describe('workers by their names', () => {
  it('are not taken for dead where they live, are elsewhere, or are no local workers', async () => {
    const mine = localWorkerName('0'.repeat(32));
    const elsewhere = mine.replace(/^(local \d+) \d+ \S+/, '$1 1 another-boot:pid:[1]');
    expect(await reclaimLocalWorkers([mine, elsewhere, 'gpu-7', 'local 1 1 x short'])).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}
