import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { killMarked } from '../../../src/worker/leftovers.ts';
import { LOG_BYTES_MAX } from '../../../src/worker/log-stream.ts';
import { leaseOf } from './leases.ts';
import { WorkRoom } from './work-room.ts';

let room: WorkRoom;
beforeEach(() => {
  room = new WorkRoom();
});
afterEach(() => room.remove());

const script = (run: string, step: Partial<PlanStep> = {}): Lease =>
  leaseOf({}, { with: { run, shell: 'bash' }, ...step });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie that nobody has collected yet does not run any more.
    return process.platform !== 'linux' || !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('steps that misbehave', () => {
  it('streams a log of 64 MB in bounded memory, stores its beginning and digests all of it', async () => {
    const bytes = 64 << 20;
    const startedAt = performance.now();
    const before = process.memoryUsage().rss;
    const outcome = await room.run(script(`head -c ${bytes} /dev/zero | tr '\\0' 'x'`));
    const seconds = (performance.now() - startedAt) / 1000;
    console.log(
      `64 MB of log: ${seconds.toFixed(2)} s, ${Math.round((process.memoryUsage().rss - before) / (1 << 20))} MB more memory`,
    );
    expect(outcome).toMatchObject({ kind: 'succeeded', log: { sizeBytes: bytes, isTruncated: true } });
    const stored = room.client.logs.reduce((sum, chunk) => sum + Buffer.byteLength(chunk.text), 0);
    expect(stored).toBeGreaterThanOrEqual(LOG_BYTES_MAX);
    expect(stored).toBeLessThan(LOG_BYTES_MAX + 200);
    expect(room.log).toContain('[maestro] the log is longer than');
    expect(seconds).toBeLessThan(3);
  });

  it('holds a step back while the conductor does not take its log', async () => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const append = room.client.appendLog.bind(room.client);
    let isFirst = true;
    let first = (): void => {};
    const asked = new Promise<void>((resolve) => (first = resolve));
    room.client.appendLog = async (workerId, chunks) => {
      if (isFirst) {
        isFirst = false;
        first();
        await released;
      }
      expect(chunks.length).toBeLessThanOrEqual(20);
      return append(workerId, chunks);
    };
    const { outcome } = room.start(script('head -c 8000000 /dev/zero | tr "\\0" "y"'));
    await asked;
    release();
    expect(await outcome).toMatchObject({ kind: 'succeeded', log: { sizeBytes: 8_000_000, isTruncated: false } });
    expect(room.log).toHaveLength(8_000_000);
  });

  it('cancels a step that never ends', async () => {
    const { attempt, outcome } = room.start(script('echo started; sleep 1000'));
    await room.client.until(() => room.log.includes('started'));
    const cancelledAt = performance.now();
    attempt.stop('cancelled');
    expect(await outcome).toMatchObject({ kind: 'cancelled' });
    expect(performance.now() - cancelledAt).toBeLessThan(2000);
  });

  it('kills a step that ignores SIGTERM after its grace', async () => {
    const { attempt, outcome } = room.start(script("trap '' TERM; echo started; while true; do sleep 0.05; done"), {
      killGraceMs: 200,
    });
    await room.client.until(() => room.log.includes('started'));
    attempt.stop('cancelled');
    expect(await outcome).toMatchObject({ kind: 'cancelled' });
  });

  it('lets a step clean up when it is cancelled', async () => {
    const { attempt, outcome } = room.start(
      script("trap 'echo cleaned up; exit 0' TERM; echo started; while true; do sleep 0.05; done"),
    );
    await room.client.until(() => room.log.includes('started'));
    attempt.stop('cancelled');
    await outcome;
    expect(room.log).toContain('cleaned up');
  });

  it('ends a step that is out of time as a failure of class timeout', async () => {
    const outcome = await room.run(script('sleep 1000', { timeoutMs: 150 }));
    expect(outcome).toMatchObject({ kind: 'failed', errorClass: 'timeout', errorCode: 'STEP_TIMED_OUT' });
  });

  it('runs nothing for an attempt that was cancelled before it began', async () => {
    const { attempt, outcome } = room.start(script('touch ran'));
    attempt.stop('cancelled');
    expect(await outcome).toMatchObject({ kind: 'cancelled' });
    expect(existsSync(join(room.repositoryRoot, 'ran'))).toBe(false);
  });

  it.each([
    ['in the background', 'sleep 1000 & echo $! > pid'],
    ['in the background with the pipe closed', 'sleep 1000 >/dev/null 2>&1 & echo $! > pid'],
    ['as a job that ignores hang-ups', 'nohup sleep 1000 & echo $! > pid'],
  ])('kills what a step leaves running %s', async (_, run) => {
    const outcome = await room.run(script(run));
    expect(outcome.kind).toBe('succeeded');
    expect(isAlive(Number(readFileSync(join(room.repositoryRoot, 'pid'), 'utf8')))).toBe(false);
  });

  it.runIf(process.platform === 'linux')(
    'kills what forked, left the session and kept the pipe open, and says so',
    async () => {
      const outcome = await room.run(
        script("setsid bash -c 'echo $$ > pid; exec sleep 1000' & until [ -s pid ]; do sleep 0.01; done"),
      );
      expect(outcome.kind).toBe('succeeded');
      expect(isAlive(Number(readFileSync(join(room.repositoryRoot, 'pid'), 'utf8')))).toBe(false);
      expect(outcome.annotations).toEqual([{ level: 'warning', message: expect.stringContaining('1 processes') }]);
    },
  );

  it.each(['', 'y', 'abc', 'F'.repeat(32)])(
    'never looks for processes by a mark such as %j, which a stranger may bear',
    async (token) => {
      await expect(killMarked('X', token)).rejects.toThrow('128 random bits');
    },
  );

  it.runIf(process.platform === 'linux')('spares processes whose mark only begins or ends like its own', async () => {
    const token = randomBytes(16).toString('hex');
    const strangers = [
      { MAESTRO_ATTEMPT_TOKEN: `${token}0` },
      { OTHER_MAESTRO_ATTEMPT_TOKEN: token },
      { A: `MAESTRO_ATTEMPT_TOKEN=${token}` },
    ].map((env) => spawn('sleep', ['1000'], { env: { PATH: process.env.PATH ?? '', ...env } }));
    const own = spawn('sleep', ['1000'], { env: { PATH: process.env.PATH ?? '', MAESTRO_ATTEMPT_TOKEN: token } });
    await Promise.all([...strangers, own].map((child) => once(child, 'spawn')));
    try {
      expect(await killMarked('MAESTRO_ATTEMPT_TOKEN', token)).toBe(1);
      expect(strangers.map((child) => isAlive(child.pid ?? 0))).toEqual([true, true, true]);
    } finally {
      for (const child of [...strangers, own]) child.kill('SIGKILL');
    }
  });

  it('lets no secret out that a step prints, writes or fails with', async () => {
    room.client.secretValues.TOKEN = 'hunter2-hunter2';
    const run = [
      'echo "plain $TOKEN"',
      'printf hunter2; sleep 0.3; echo -hunter2',
      'echo -n "$TOKEN" | base64',
      'echo "user:$TOKEN" | base64',
      'echo "::error file=a.txt,line=1::bad token $TOKEN"',
      'echo "token=$TOKEN" >> "$GITHUB_OUTPUT"',
      'echo "$TOKEN" > report.txt',
    ].join('\n');
    const outcome = await room.run(script(run, { secrets: ['TOKEN'] }));
    const everything = JSON.stringify([outcome, room.client.logs]);
    expect(everything).not.toContain('hunter2-hunter2');
    expect(everything).not.toContain(Buffer.from('hunter2-hunter2').toString('base64'));
    expect(everything).not.toContain(Buffer.from('user:hunter2-hunter2').toString('base64').slice(8, 20));
    expect(outcome.outputs).toEqual({ token: '***' });
    expect(room.log).toContain('plain ***\n');
    expect(outcome.annotations).toContainEqual({
      level: 'failure',
      message: 'bad token ***',
      path: 'a.txt',
      startLine: 1,
      endLine: 1,
    });
  });

  it('masks a value from the line of its ::add-mask:: on, also when the line arrives in pieces', async () => {
    await room.run(
      script('printf "::add-mask::open"; sleep 0.3; echo "sesame-123"; echo "the word is opensesame-123"'),
    );
    expect(room.log).toBe('::add-mask::***\nthe word is ***\n');
  });

  it('stops a step that adds masks without end', async () => {
    const outcome = await room.run(
      script('for i in $(seq 100000); do echo "::add-mask::value-$i-$RANDOM"; done; sleep 1000'),
    );
    expect(outcome).toMatchObject({ kind: 'failed', errorCode: 'OUTPUT_INVALID' });
  });

  it('refuses outputs beyond the limit as a failure of class step', async () => {
    const outcome = await room.run(script('head -c 2000000 /dev/zero | tr "\\0" "x" > "$MAESTRO_OUTPUT"'));
    expect(outcome).toMatchObject({ kind: 'failed', errorClass: 'step', errorCode: 'OUTPUT_TOO_LARGE' });
  });

  it.each([
    ['a pipe', 'rm "$MAESTRO_OUTPUT"; mkfifo "$MAESTRO_OUTPUT"'],
    ['a link to another file', 'ln -sf /etc/passwd "$MAESTRO_OUTPUT"'],
    ['text that is neither JSON nor lines', 'echo nonsense > "$MAESTRO_OUTPUT"'],
    ['JSON with a NUL character', `echo '{"a":"\\u0000"}' > "$MAESTRO_OUTPUT"`],
    ['JSON with half a character', `echo '{"a":"\\ud800"}' > "$MAESTRO_OUTPUT"`],
  ])('refuses %s as output file', async (_, run) => {
    expect(await room.run(script(run))).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'OUTPUT_INVALID',
    });
  });

  it('stores bytes that are not text as replacement characters', async () => {
    await room.run(script("printf 'a\\000b\\377c'"));
    expect(room.log).toBe('a\ufffdb\ufffdc');
  });

  it('removes the temporary folder, also one that the step made unreadable', async () => {
    await room.run(
      script('mkdir -p "$TMPDIR/deep/er"; touch "$TMPDIR/deep/er/file"; chmod 0 "$TMPDIR/deep/er" "$TMPDIR/deep"'),
    );
    expect(readdirSync(room.temporaryRoot)).toEqual([]);
  });

  it('fails with a clear message where the program does not exist', async () => {
    expect(await room.run(script('no-such-program-here'))).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      exitCode: 127,
      message: expect.stringContaining('not found'),
    });
  });
});
