import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Database } from '../../../src/store/database.ts';
import { openPostgres } from '../../../src/store/postgres.ts';
import { describeWith } from '../../real-parts.ts';

const PATIENCE = { connectMs: 1000, queryMs: 1500 };
/** Of the pool. */
const CONNECTIONS = 10;

describeWith('postgres', 'a Postgres whose host vanishes', (url) => {
  let wire: Wire;
  let db: Database;
  beforeEach(async () => {
    wire = await openWire(url);
    db = await openPostgres(wire.url, PATIENCE);
  });
  afterEach(async () => {
    wire.mend();
    await db.close();
    wire.close();
  });

  const one = async (): Promise<unknown> => (await db.query('one', 'select 1', []))[0]?.[0];
  const took = async (work: Promise<unknown>): Promise<number> => {
    const beganMs = performance.now();
    await expect(work).rejects.toThrow(/timeout/i);
    return performance.now() - beganMs;
  };

  it('makes a query fail in time, and the next one takes another connection', async () => {
    expect(await one()).toBe(1);
    wire.cut();
    expect(await took(one())).toBeLessThan(PATIENCE.queryMs + PATIENCE.connectMs);
    wire.mend();
    expect(await one()).toBe(1);
  });

  it('makes transactions fail at their first silent query, and leaves none of their connections in the pool', async () => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let count = 0;
    const stalled = Array.from({ length: CONNECTIONS }, () =>
      db.transaction(async (session) => {
        if (++count === CONNECTIONS) begun.resolve();
        await goOn.promise;
        await session.query('', 'select 1', []);
      }),
    );
    await begun.promise;
    wire.cut();
    goOn.resolve();
    const waits = await Promise.all(stalled.map(took));
    // One wait, and not a second one for the roll-back.
    expect(Math.max(...waits)).toBeLessThan(2 * PATIENCE.queryMs);
    wire.mend();
    expect(await Promise.all(Array.from({ length: CONNECTIONS }, one))).toEqual(Array(CONNECTIONS).fill(1));
  });

  it('keeps the connection of a transaction that failed for another reason', async () => {
    const process = async (): Promise<unknown> => (await db.query('', 'select pg_backend_pid()', []))[0]?.[0];
    const before = await process();
    await expect(db.transaction((session) => session.query('', 'select 1 / 0', []))).rejects.toMatchObject({
      code: '22012',
    });
    expect(await process()).toBe(before);
  });

  it('lets nobody wait for ever who wants to listen', async () => {
    wire.cut();
    expect(await took(db.listen('news', () => {}))).toBeLessThan(2 * (PATIENCE.connectMs + PATIENCE.queryMs));
  });
});

interface Wire {
  readonly url: string;
  /** From now on nothing gets through, and nobody is told. */
  cut(): void;
  /** New connections get through again; those that were cut stay as they are. */
  mend(): void;
  close(): void;
}

async function openWire(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const pairs: (readonly [Socket, Socket])[] = [];
  let isCut = false;
  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    for (const socket of [near, far]) socket.on('error', () => {});
    pairs.push([near, far]);
    if (isCut) return;
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = new URL(url);
  own.hostname = '127.0.0.1';
  own.port = String((server.address() as AddressInfo).port);
  return {
    url: own.toString(),
    cut: () => {
      isCut = true;
      for (const [near, far] of pairs) {
        near.unpipe().pause();
        far.unpipe().pause();
      }
    },
    mend: () => {
      isCut = false;
    },
    close: () => {
      server.close();
      for (const socket of pairs.flat()) socket.destroy();
    },
  };
}
