import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const CLI = resolve(import.meta.dirname, '../../app/cli.ts');
/** One compile cache for all processes of all tests: a cold start costs a second. */
const CACHE = join(tmpdir(), 'maestro-test-cache');

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Standard output so far. */
  stdout(): string;
  /** Resolves when standard output holds the text; rejects where the process ends without it. */
  says(text: string): Promise<void>;
}

/** A project in a folder of its own, with its own keys, and the real `maestro` process in it. */
export class Project {
  readonly root: string;
  readonly environment: Readonly<Record<string, string>>;

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'maestro-scenario-')));
    mkdirSync(join(this.root, '.maestro'));
    this.environment = {
      PATH: process.env.PATH ?? '',
      HOME: this.root,
      USER: 'tester',
      LANG: 'C.UTF-8',
      XDG_STATE_HOME: join(this.root, '.keys'),
      XDG_CACHE_HOME: CACHE,
      ...environment,
    };
  }

  /** @returns the absolute path */
  write(path: string, content: string | Uint8Array): string {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
    return full;
  }

  pipeline(text: string): void {
    this.write('.maestro/pipeline.yaml', text);
  }

  start(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
    return startProcess([process.execPath, CLI, ...words], this.root, { ...this.environment, ...environment });
  }

  maestro(...words: readonly string[]): Promise<Ended> {
    return this.start(words).ended;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}

export function startProcess(argv: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Running {
  const beganMs = performance.now();
  const child = spawn(argv[0] as string, argv.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
  const stdout = (): string => Buffer.concat(out).toString('utf8');
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout: stdout(),
    stderr: Buffer.concat(err).toString('utf8'),
    tookMs: performance.now() - beganMs,
  }));
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stdout().includes(text)) resolve();
      };
      child.stdout.on('data', look);
      look();
      void ended.then((end) => reject(new Error(`ended without saying '${text}':\n${end.stdout}\n${end.stderr}`)));
    });
  return { child, ended, stdout, says };
}
