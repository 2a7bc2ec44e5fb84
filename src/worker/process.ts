import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { MaestroError } from '../base/errors.ts';
import { asStepUser, type StepIsolation } from './isolation.ts';
import { killMarked } from './leftovers.ts';

/** Time between SIGTERM and SIGKILL for a step that is stopped. */
export const KILL_GRACE_MS = 5000;
/** How long a pipe may stay open without a byte after its process has ended. */
const PIPE_SILENCE_MS = 1000;

/** Marks a program and what it starts; inherited, so it also finds those that left the process group. */
const TOKEN_VARIABLE = 'MAESTRO_ATTEMPT_TOKEN';

export interface ProcessRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** The whole environment, but for `TOKEN_VARIABLE`. */
  readonly env: Readonly<Record<string, string>>;
  /** Stops the process group: SIGTERM, then SIGKILL after `graceMs`. */
  readonly signal: AbortSignal;
  readonly graceMs?: number;
  /** Default: the program runs as the worker's own user. */
  readonly isolation?: StepIsolation;
  /** Takes stdout and stderr in the order in which they were written. A promise holds the process back. */
  readonly onOutput: (bytes: Buffer) => Promise<void> | undefined;
}

export interface ProcessEnd {
  /** Null where a signal ended the process. */
  readonly exitCode: number | null;
  readonly signalName: string | null;
  /** Processes that it left behind and that were killed. */
  readonly leftoverCount: number;
}

/**
 * Runs a program in a process group of its own, with no standard input, and leaves nothing of it running.
 *
 * stdout and stderr share one pipe, so the log has the order of the writes. When the program has ended, the rest of its
 * group is killed, and on Linux also processes that moved to another session, found by the token in their environment.
 * A process that both leaves the session and clears its environment escapes, and so does any that leaves the session on
 * macOS, which does not show environments: only a container contains those.
 *
 * @throws MaestroError STEP_NOT_STARTED where the operating system refuses to start it
 */
export async function runProcess(request: ProcessRequest): Promise<ProcessEnd> {
  const token = randomBytes(16).toString('hex');
  const child = await start(request, token);
  const output = new OutputPump(child.stdout as Readable, request.onOutput);
  const stop = stopOnSignal(child, request.signal, request.graceMs ?? KILL_GRACE_MS);
  try {
    const end = await ended(child);
    killGroup(child, 'SIGKILL');
    const leftoverCount = await killMarked(TOKEN_VARIABLE, token);
    await output.finished();
    return { ...end, leftoverCount };
  } finally {
    stop.dispose();
    output.close();
  }
}

/** The shell joins stderr to stdout and is then replaced by the program, so the pid is the program's own. */
const PLAIN_SCRIPT = 'exec "$@" 2>&1';
/** Takes the environment from descriptor 3, as assignments. */
const STEP_USER_SCRIPT = `eval "$(cat <&3)"; exec 3<&-; ${PLAIN_SCRIPT}`;
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function start({ argv, cwd, env: given, isolation }: ProcessRequest, token: string): Promise<ChildProcess> {
  const env = { ...given, [TOKEN_VARIABLE]: token };
  const child =
    isolation?.kind === 'user'
      ? startAsStepUser(isolation, argv, cwd, env)
      : spawn('/bin/sh', ['-c', PLAIN_SCRIPT, 'maestro', ...argv], {
          cwd,
          env,
          detached: true,
          stdio: ['ignore', 'pipe', 'ignore'],
        });
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child));
    child.once('error', (cause) =>
      reject(
        new MaestroError('STEP_NOT_STARTED', `could not start ${argv[0] ?? 'nothing'}: ${cause.message}`, { cause }),
      ),
    );
  });
}

/**
 * `setpriv` has to start as root, so nothing of the step's environment may reach it: LD_PRELOAD would run there. The
 * environment follows through a pipe, once the shell is the step's own user; a command line would show it to everyone.
 */
function startAsStepUser(
  isolation: Extract<StepIsolation, { kind: 'user' }>,
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const [setpriv = '', ...args] = [...asStepUser(isolation), '/bin/sh', '-c', STEP_USER_SCRIPT, 'maestro', ...argv];
  const child = spawn(setpriv, args, {
    cwd,
    env: { PATH: SYSTEM_PATH, [TOKEN_VARIABLE]: env[TOKEN_VARIABLE] },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    // Of a process whose effective user is the step's: see `enterIsolation`.
    uid: 0,
    gid: 0,
  });
  const input = child.stdio[3] as Writable;
  // A program that ended before it read its environment says so by its exit status.
  input.on('error', () => {});
  input.end(assignments(env));
  return child;
}

/** A name that the shell keeps for itself (bash's UID) stays as it is; one that is no name of a variable cannot be set. */
function assignments(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .filter(([name]) => /^[A-Za-z_]\w*$/.test(name))
    .map(([name, value]) => `command export ${name}='${value.replaceAll("'", "'\\''")}' 2>/dev/null || :\n`)
    .join('');
}

function ended(child: ChildProcess): Promise<{ readonly exitCode: number | null; readonly signalName: string | null }> {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve({ exitCode: child.exitCode, signalName: child.signalCode });
  return new Promise((resolve) => child.once('exit', (exitCode, signalName) => resolve({ exitCode, signalName })));
}

function stopOnSignal(child: ChildProcess, signal: AbortSignal, graceMs: number): { dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    killGroup(child, 'SIGTERM');
    // A stopped group hears SIGTERM only when it goes on.
    killGroup(child, 'SIGCONT');
    timer = setTimeout(() => killGroup(child, 'SIGKILL'), graceMs);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return {
    dispose: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    },
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: the group has ended. EPERM: macOS says so for a group of zombies.
  }
}

/** Reads a pipe with backpressure. */
class OutputPump {
  readonly #stream: Readable;
  readonly #onOutput: ProcessRequest['onOutput'];
  readonly #closed: Promise<void>;
  #failure: unknown;
  #isHeld = false;
  #bytesSeen = 0;

  constructor(stream: Readable, onOutput: ProcessRequest['onOutput']) {
    this.#stream = stream;
    this.#onOutput = onOutput;
    this.#closed = new Promise((resolve) => stream.once('close', resolve));
    stream.on('error', (error) => (this.#failure ??= error));
    stream.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  /** Resolves when the pipe is closed, or has been silent for `PIPE_SILENCE_MS` and nobody holds it back. */
  async finished(): Promise<void> {
    let seen = -1;
    while (seen !== this.#bytesSeen || this.#isHeld) {
      seen = this.#bytesSeen;
      if (await isOverWithin(this.#closed, PIPE_SILENCE_MS)) break;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    this.#stream.destroy();
  }

  #take(bytes: Buffer): void {
    this.#bytesSeen += bytes.length;
    // What follows a failure is read and dropped, so that the process is not stuck in a write.
    if (this.#failure !== undefined) return;
    const accepted = this.#onOutput(bytes);
    if (accepted) void this.#holdUntil(accepted);
  }

  async #holdUntil(accepted: Promise<void>): Promise<void> {
    this.#isHeld = true;
    this.#stream.pause();
    try {
      await accepted;
    } catch (error) {
      this.#failure ??= error;
    }
    this.#isHeld = false;
    this.#stream.resume();
  }
}

async function isOverWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const isOver = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return isOver;
}
