import { randomUUID } from 'node:crypto';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { MaestroError } from '../base/errors.ts';
import { inTurn } from './turn.ts';

interface Lock {
  release(): Promise<void>;
}

interface Owner {
  readonly pid: number;
  readonly startTicks: string;
  readonly host: string;
  readonly token: string;
}

/**
 * Takes a folder for this process alone, by a file that names its owner.
 *
 * A lock whose owner is dead is taken over. Contenders look, remove and write one after the other, so that nobody removes
 * the lock that another has just taken. The owner is its pid and its start time: a reused pid is not mistaken for it.
 * @throws STATE_LOCKED, DISK_FULL
 */
export async function takeLock(path: string): Promise<Lock> {
  const mine: Owner = {
    pid: process.pid,
    startTicks: await startTicks(process.pid),
    host: hostname(),
    token: randomUUID(),
  };
  await inTurn(path, async () => {
    if (await create(path, mine)) return;
    const owner = await readOwner(path);
    if (owner && (await isAlive(owner))) throw lockedBy(path, owner);
    await rm(path, { force: true });
    if (!(await create(path, mine))) throw new MaestroError('STATE_LOCKED', `${path} came back while it was taken`);
  });
  return { release: () => release(path, mine) };
}

async function create(path: string, owner: Owner): Promise<boolean> {
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw notWritten(path, error);
  });
  if (!file) return false;
  try {
    await file.writeFile(JSON.stringify(owner));
  } catch (error) {
    // An empty lock would keep everybody out until it looks old.
    await rm(path, { force: true });
    throw notWritten(path, error as NodeJS.ErrnoException);
  } finally {
    await file.close();
  }
  return true;
}

function notWritten(path: string, error: NodeJS.ErrnoException): unknown {
  return error.code === 'ENOSPC'
    ? new MaestroError('DISK_FULL', `no space left for the lock ${path}`, { cause: error })
    : error;
}

/** Undefined where the file is gone, or was left half-written by a crash. */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return parseOwner(await readFile(path, 'utf8'));
  } catch {
    // Its maker may be between creating and writing it: such a file counts as held for a moment.
    const age = await stat(path).then(
      (s) => Date.now() - s.mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (age < 2000) throw new MaestroError('STATE_LOCKED', `${path} is being taken by another process`);
    return undefined;
  }
}

/** Throws where the text names no owner. */
function parseOwner(text: string): Owner {
  const { pid, startTicks, host, token } = JSON.parse(text) as Partial<Owner>;
  const isWhole = Number.isSafeInteger(pid) && [startTicks, host, token].every((part) => typeof part === 'string');
  if (!isWhole) throw new TypeError('not the owner of a lock');
  return { pid, startTicks, host, token } as Owner;
}

async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const ticks = await startTicks(owner.pid);
  return owner.startTicks === '' || ticks === '' || ticks === owner.startTicks;
}

async function release(path: string, mine: Owner): Promise<void> {
  const owner = await readOwner(path).catch(() => undefined);
  if (owner?.token === mine.token) await rm(path, { force: true });
}

/** Start time of a process in clock ticks since boot; empty where /proc does not exist. */
async function startTicks(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function lockedBy(path: string, owner: Owner): MaestroError {
  return new MaestroError(
    'STATE_LOCKED',
    `the state is in use by process ${owner.pid} on ${owner.host} (${path}); an embedded database serves one process at a time`,
  );
}
