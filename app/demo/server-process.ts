import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

const SERVER = resolve(import.meta.dirname, '../server.ts');
const READY_MS_MAX = 60_000;
const READY_POLL_MS = 50;

/** `npm start`, as a process of its own that can be killed. */
export interface ServerProcess {
  readonly url: string;
  /** Of the process that runs now. */
  pid(): number | undefined;
  /** SIGKILL, also while it starts. Resolves when it is gone. */
  kill(): Promise<void>;
  /** The same server once more, after `stop` or `kill`. Resolves when it answers; throws where it ended before. */
  restart(): Promise<void>;
  /** SIGTERM; resolves with its exit code when it has drained. */
  stop(): Promise<number | null>;
}

export interface ServerSetting {
  readonly url: string;
  /** Everything but the host's own PATH and the like. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** Resolves when the server is ready. Throws with the end of its log where it does not become so. */
export async function startServer(setting: ServerSetting): Promise<ServerProcess> {
  mkdirSync(dirname(setting.logFile), { recursive: true });
  const log = createWriteStream(setting.logFile, { flags: 'a' });
  let child = launch(setting, log);
  await ready(child, setting);
  return {
    url: setting.url,
    pid: () => child.pid,
    kill: () => end(child, 'SIGKILL'),
    restart: async () => {
      child = launch(setting, log);
      await ready(child, setting);
    },
    stop: async () => {
      await end(child, 'SIGTERM');
      return child.exitCode;
    },
  };
}

function launch({ env }: ServerSetting, log: WriteStream): ChildProcess {
  const child = spawn(process.execPath, [SERVER], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: process.env.LANG, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  return child;
}

async function ready(child: ChildProcess, { url, logFile }: ServerSetting): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX;
  while (!(await isReady(url))) {
    if (hasEnded(child)) throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}: see ${logFile}`);
    if (performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`the server was not ready after ${READY_MS_MAX / 1000} s: see ${logFile}`);
    }
    await pause(READY_POLL_MS);
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
}
