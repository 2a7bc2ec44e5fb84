import { spawn, spawnSync } from 'node:child_process';
import process from 'node:process';

/** Set in the second process, so that it never asks for a third. Holds no permission. */
export const ELEVATED_VARIABLE = 'MAESTRO_ACTION_IS_ELEVATED';

/**
 * Whether this process should run again as root, so that steps can get a user of their own. Hosted runners of GitHub
 * allow it without a password. What a workflow runs beside this action could do the same at any time.
 */
export function shouldElevate(): boolean {
  if (process.platform !== 'linux' || process.geteuid?.() === 0 || process.env[ELEVATED_VARIABLE] !== undefined)
    return false;
  return spawnSync('sudo', ['-n', '-E', 'true'], { stdio: 'ignore' }).status === 0;
}

/**
 * Runs this program again as root and answers its exit status.
 *
 * Nobody but root may signal it, so the runner's signals go through its standard input, by name, a line each.
 */
export async function runElevated(): Promise<number> {
  // `sudo` keeps the environment but for PATH, which is no secret.
  const program = ['env', `PATH=${process.env.PATH ?? ''}`, process.execPath, ...process.execArgv];
  const child = spawn('sudo', ['-n', '-E', ...program, ...process.argv.slice(1)], {
    env: { ...process.env, [ELEVATED_VARIABLE]: '1' },
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  // It may have ended already: then there is nothing to tell.
  child.stdin.on('error', () => {});
  const handOn = (signal: NodeJS.Signals): void => void child.stdin.write(`${signal}\n`);
  process.on('SIGINT', handOn);
  process.on('SIGTERM', handOn);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}
