import { open, realpath, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { digestBytes, hexOf } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';

const TRIES_MAX = 250;
const PAUSE_MS = 20;
/** Where the kernel does not free a turn: one that is older belongs to a process that died in it. */
const STALE_MS = 10_000;

/**
 * Runs `body` while nobody else on this machine does so for the same path.
 *
 * On Linux a turn is an abstract socket: the kernel gives it to one process and takes it back when that dies, so there is
 * nothing to clean up and nothing to mistake. Elsewhere it is a file beside the path.
 * @throws STATE_LOCKED where no turn comes within five seconds
 */
export async function inTurn<T>(path: string, body: () => Promise<T>): Promise<T> {
  const end = process.platform === 'linux' ? await socketTurn(path) : await fileTurn(`${path}.turn`);
  try {
    return await body();
  } finally {
    await end();
  }
}

type EndOfTurn = () => Promise<void>;

async function socketTurn(path: string): Promise<EndOfTurn> {
  const folder = await realpath(dirname(path));
  const name = `\0maestro-${hexOf(digestBytes(`${folder}\n${path.slice(path.lastIndexOf('/'))}`))}`;
  return until(path, async () => {
    const server = createServer((socket) => socket.destroy());
    return (await isListening(server, name)) ? () => closed(server) : undefined;
  });
}

function isListening(server: Server, name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(name, () => resolve(true));
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

async function fileTurn(path: string): Promise<EndOfTurn> {
  return until(path, async () => {
    const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (file) {
      await file.close();
      return () => rm(path, { force: true });
    }
    const ageMs = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (ageMs > STALE_MS) await rm(path, { force: true });
    return undefined;
  });
}

async function until(path: string, take: () => Promise<EndOfTurn | undefined>): Promise<EndOfTurn> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const end = await take();
    if (end) return end;
    await wait(PAUSE_MS);
  }
  throw new MaestroError('STATE_LOCKED', `expected a turn to take ${path}, but other processes keep taking it`);
}
