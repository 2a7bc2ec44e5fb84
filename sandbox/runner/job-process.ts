import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { StopTimes } from './job.ts';

export interface JobProcessRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly times: StopTimes;
  readonly onLine: (line: string) => void;
}

/**
 * Runs a program as GitHub's runner does and gives its exit code, null where a signal ended it.
 *
 * A cancelled process gets SIGINT, then SIGTERM, alone, as from the real runner, which does not signal the group; SIGKILL
 * goes to the whole group. What a step leaves in the background lives on until the job ends.
 */
export async function runJobProcess(request: JobProcessRequest): Promise<number | null> {
  const [program = '', ...args] = request.argv;
  const child = spawn(program, args, {
    cwd: request.cwd,
    env: { ...request.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = endOf(child);
  const outputs = [child.stdout, child.stderr].map((stream) => readLines(stream, request.onLine));
  const stopping = stopOnAbort(child, request.signal, request.times);
  try {
    const exitCode = await ended;
    await Promise.race([Promise.all(outputs), after(request.times.outputMs)]);
    return exitCode;
  } finally {
    stopping.dispose();
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode) => resolve(exitCode));
  });
}

function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('line', onLine);
  return new Promise((resolve) => lines.once('close', resolve));
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

function stopOnAbort(child: ChildProcess, signal: AbortSignal, times: StopTimes): { dispose(): void } {
  const timers: NodeJS.Timeout[] = [];
  const stop = (): void => {
    child.kill('SIGINT');
    timers.push(
      setTimeout(() => child.kill('SIGTERM'), times.sigtermMs),
      setTimeout(() => killGroup(child), times.sigkillMs),
    );
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return {
    dispose: () => {
      timers.forEach(clearTimeout);
      signal.removeEventListener('abort', stop);
    },
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // ESRCH: the group has ended.
  }
}
