import { spawn, spawnSync } from 'node:child_process';
import process from 'node:process';

/** Set in the second process, so that it never asks for a third. Holds no permission. */
const MARK = 'MAESTRO_ACTION_IS_ELEVATED';

/**
 * Whether this process should run again as root, so that steps can get a user of their own. Hosted runners of GitHub
 * allow it without a password. What a workflow runs beside this action could do the same at any time.
 */
export function shouldElevate(): boolean {
  if (process.platform !== 'linux' || process.geteuid?.() === 0 || process.env[MARK] !== undefined) return false;
  return spawnSync('sudo', ['-n', '-E', 'true'], { stdio: 'ignore' }).status === 0;
}

/** Runs this program again as root and answers its exit status. Signals are handed on. */
export async function runElevated(): Promise<number> {
  // `sudo` keeps the environment but for PATH, which is no secret.
  const path = `PATH=${process.env.PATH ?? ''}`;
  const child = spawn(
    'sudo',
    ['-n', '-E', 'env', path, process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    {
      env: { ...process.env, [MARK]: '1' },
      stdio: 'inherit',
    },
  );
  const handOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', handOn);
  process.on('SIGTERM', handOn);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}
