import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { MaestroError, messageOf } from '../base/errors.ts';
import { type Database, type Row, type Session, type SqlValue, withRetries } from './database.ts';
import { takeLock } from './lock-file.ts';

/**
 * Postgres in this process, in one folder.
 *
 * PGlite neither locks its folder (two processes lose each other's rows) nor calls fsync: the lock is ours, and a power
 * cut, unlike a killed process, can lose the newest commits.
 * @throws STATE_LOCKED where another process has the folder, STATE_CORRUPT where it cannot be opened
 */
export async function openEmbedded(folder: string): Promise<Database> {
  await mkdir(folder, { recursive: true });
  const lock = await takeLock(join(folder, 'lock'));
  let db: PGlite;
  try {
    db = await PGlite.create(join(folder, 'database'));
  } catch (error) {
    await lock.release();
    throw openFailure(folder, error);
  }
  const session: Session = { query: (_name, text, values) => rows(db, text, values) };
  return {
    kind: 'embedded',
    query: (name, text, values) => session.query(name, text, values),
    transaction: (body) =>
      withRetries(() => db.transaction((tx) => body({ query: (_n, text, values) => rows(tx, text, values) }))),
    listen: (channel, hear) => db.listen(channel, hear),
    notify: async (channel, payload) => {
      await rows(db, 'select pg_notify($1, $2)', [channel, payload]);
    },
    close: async () => {
      await db.close();
      await lock.release();
    },
  };
}

async function rows(db: Pick<PGlite, 'query'>, text: string, values: readonly SqlValue[]): Promise<readonly Row[]> {
  const result = await db.query<unknown[]>(text, values as SqlValue[], { rowMode: 'array' });
  return result.rows;
}

function openFailure(folder: string, error: unknown): MaestroError {
  const text = messageOf(error);
  if (/ENOSPC|no space left/i.test(text))
    return new MaestroError('DISK_FULL', `no space left for the state in ${folder}`, { cause: error });
  return new MaestroError('STATE_CORRUPT', `the database in ${folder} cannot be opened (${text.split('\n')[0]})`, {
    cause: error,
  });
}
