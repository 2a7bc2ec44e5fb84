import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** What `randomBytes(16)` gives in hexadecimal. */
const TOKEN = /^[0-9a-f]{32}$/;
/** A process may fork while it is being looked for. */
const ROUNDS_MAX = 10;
/** Looked at without a break; 100 take about a millisecond. */
const PROCESSES_PER_TURN = 100;
/** Most environments fit; a larger one is read again as a whole. */
const ENVIRONMENT = Buffer.alloc(65_536);

/**
 * Kills every process of this machine whose environment holds `variable=token`, until none is found.
 *
 * Reads /proc, so it finds nothing but on Linux, and only processes of the same user (or all of them as root). What it
 * finds is what the process was started with: one that was started with a cleared environment is not found.
 * @returns how many were killed
 */
export async function killMarked(variable: string, token: string): Promise<number> {
  // A mark that somebody else's environment could hold by chance would kill the innocent.
  assert(TOKEN.test(token), 'expected a token of 128 random bits in hexadecimal');
  if (process.platform !== 'linux') return 0;
  const killed = new Set<number>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const marked = await findMarked(Buffer.from(`\0${variable}=${token}\0`));
    if (marked.length === 0) break;
    for (const pid of marked) {
      if (kill(pid)) killed.add(pid);
    }
  }
  return killed.size;
}

async function findMarked(mark: Buffer): Promise<readonly number[]> {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid);
  const marked: number[] = [];
  for (let at = 0; at < pids.length; at += PROCESSES_PER_TURN) {
    if (at > 0) await nextTurn();
    marked.push(...pids.slice(at, at + PROCESSES_PER_TURN).filter((pid) => hasMark(pid, mark)));
  }
  return marked;
}

/** Synchronous: the files are in memory, and the thread pool would cost four times as much. */
function hasMark(pid: number, mark: Buffer): boolean {
  const path = `/proc/${pid}/environ`;
  try {
    const file = openSync(path, 'r');
    try {
      // The first variable has no NUL before it, hence one is put there.
      const sizeBytes = readSync(file, ENVIRONMENT, 1, ENVIRONMENT.length - 1, null);
      if (sizeBytes < ENVIRONMENT.length - 1) return ENVIRONMENT.subarray(0, sizeBytes + 1).includes(mark);
      return Buffer.concat([ENVIRONMENT.subarray(0, 1), readFileSync(path)]).includes(mark);
    } finally {
      closeSync(file);
    }
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
