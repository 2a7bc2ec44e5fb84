import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { killMarked } from './leftovers.ts';

/** Marks every program that a worker starts; inherited by what those start. */
export const WORKER_TOKEN_VARIABLE = 'MAESTRO_WORKER_TOKEN';

/**
 * Waits until its input closes, which the kernel does also for a worker that was killed, then kills all that bears the
 * mark until nothing does. The limit is for processes that cannot be killed. `grep` has no mark of its own: its
 * environment is the reaper's.
 */
const SCRIPT = `
while read -r line; do :; done
rounds=0
while [ $rounds -lt 100 ]; do
  files=$(grep -sl "$1" /proc/[0-9]*/environ)
  [ -n "$files" ] || exit
  for file in $files; do pid=\${file#/proc/}; kill -KILL "\${pid%/environ}" 2>/dev/null; done
  rounds=$((rounds + 1))
done`;

export interface Reaper {
  /** 128 random bits in hexadecimal: the value of `WORKER_TOKEN_VARIABLE`. */
  readonly token: string;
  close(): void;
}

/**
 * Starts a small process beside the worker that outlives it and ends what the worker leaves running, so that a step never
 * goes on unseen while another worker runs it again.
 *
 * It is in a session of its own and has none of the worker's environment, so what kills the worker's group spares it.
 * On systems without /proc there is none: there the programs of a killed worker go on until they write to their log.
 */
export function openReaper(): Reaper {
  const token = randomBytes(16).toString('hex');
  if (!existsSync('/proc/self/environ')) return { token, close: () => {} };
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'maestro-reaper', `${WORKER_TOKEN_VARIABLE}=${token}`], {
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // The second line of defence is whoever takes over the worker's steps: see `killProgramsOf`.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return { token, close: () => child.stdin.end() };
}

/** Ends what a dead worker of this machine left running, also where its reaper was killed too. */
export function killProgramsOf(token: string): Promise<number> {
  return killMarked(WORKER_TOKEN_VARIABLE, token);
}
