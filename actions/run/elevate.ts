import { spawn, spawnSync } from 'node:child_process';
import process from 'node:process';
import type { Readable } from 'node:stream';

/** Set in the last process, which hears through its standard input and never asks for another one. Holds no permission. */
export const ELEVATED_VARIABLE = 'MAESTRO_ACTION_IS_ELEVATED';
/** Argument of the second process: how many bytes of environment wait on its standard input. */
const HANDED_ON = '--environment-bytes=';

/**
 * Whether this process should run again as root, so that steps can get a user of their own. Hosted runners of GitHub
 * allow it without a password. What a workflow runs beside this action could do the same at any time.
 */
export function shouldElevate(): boolean {
  if (process.platform !== 'linux' || process.geteuid?.() === 0 || process.env[ELEVATED_VARIABLE] !== undefined)
    return false;
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
}

/**
 * Runs this program again as root and answers its exit status.
 *
 * Nobody but root may signal it, so the runner's signals go through its standard input, by name, a line each; before them the
 * environment. `sudo` would keep only some of it (sudo-rs, of Ubuntu 26.04, knows no `-E`), and a command line is read by everybody.
 */
export async function runElevated(): Promise<number> {
  const environment = Buffer.from(JSON.stringify({ ...process.env, [ELEVATED_VARIABLE]: '1' }));
  const words = [...process.execArgv, ...process.argv.slice(1), `${HANDED_ON}${environment.byteLength}`];
  const child = spawn('sudo', ['-n', process.execPath, ...words], { stdio: ['pipe', 'inherit', 'inherit'] });
  // It may have ended already: then there is nothing to tell.
  child.stdin.on('error', () => {});
  child.stdin.write(environment);
  const handOn = (signal: NodeJS.Signals): void => void child.stdin.write(`${signal}\n`);
  process.on('SIGINT', handOn);
  process.on('SIGTERM', handOn);
  return statusOf(child);
}

/** The size of what `runElevated` hands to this process; undefined where this is another one. */
export function handedOnBytes(): number | undefined {
  const word = process.argv.at(-1);
  return word?.startsWith(HANDED_ON) ? Number(word.slice(HANDED_ON.length)) : undefined;
}

/** Goes on in a process that has the environment from its first instruction on: node reads some of it before any program. */
export async function runWithEnvironment(sizeBytes: number): Promise<number> {
  const { env, rest } = await readEnvironment(process.stdin, sizeBytes);
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1, -1)], {
    env,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  child.stdin.on('error', () => {});
  child.stdin.write(rest);
  process.stdin.pipe(child.stdin);
  const status = await statusOf(child);
  process.stdin.destroy();
  return status;
}

async function readEnvironment(
  input: Readable,
  sizeBytes: number,
): Promise<{ readonly env: NodeJS.ProcessEnv; readonly rest: Buffer }> {
  let bytes = Buffer.alloc(0);
  // What follows stays to be read.
  for await (const part of input.iterator({ destroyOnReturn: false })) {
    bytes = Buffer.concat([bytes, part as Buffer]);
    if (bytes.byteLength >= sizeBytes) break;
  }
  return {
    env: JSON.parse(bytes.toString('utf8', 0, sizeBytes)) as NodeJS.ProcessEnv,
    rest: bytes.subarray(sizeBytes),
  };
}

function statusOf(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}
