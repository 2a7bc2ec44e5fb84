import { readdir, readFile } from 'node:fs/promises';

/** A process may fork while it is being looked for. */
const ROUNDS_MAX = 10;
const READS_AT_ONCE = 64;

/**
 * Kills every process of this machine whose environment holds `variable=token`, until none is found.
 *
 * Reads /proc, so it finds nothing but on Linux, and only processes of the same user (or all of them as root). What it
 * finds is what the process was started with: one that was started with a cleared environment is not found.
 * @returns how many were killed
 */
export async function killMarked(variable: string, token: string): Promise<number> {
  if (token === '' || process.platform !== 'linux') return 0;
  const killed = new Set<number>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const marked = await findMarked(`${variable}=${token}`);
    if (marked.length === 0) break;
    for (const pid of marked) {
      if (kill(pid)) killed.add(pid);
    }
  }
  return killed.size;
}

async function findMarked(mark: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 1 && pid !== process.pid);
  const marked: number[] = [];
  for (let at = 0; at < pids.length; at += READS_AT_ONCE) {
    const slice = pids.slice(at, at + READS_AT_ONCE);
    const found = await Promise.all(slice.map((pid) => hasMark(pid, mark)));
    marked.push(...slice.filter((_, i) => found[i]));
  }
  return marked;
}

async function hasMark(pid: number, mark: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0').includes(mark);
  } catch {
    // It has ended, or belongs to another user: in both cases not one that we can or must kill.
    return false;
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
