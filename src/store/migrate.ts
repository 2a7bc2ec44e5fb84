import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import type { Database } from './database.ts';

const FOLDER = join(import.meta.dirname, 'migrations');
/** Any number: advisory locks of other programs on the same database must not collide with it. */
const LOCK_KEY = 7_309_455_512;

const TABLE =
  'create table if not exists migration (id text primary key, digest text not null, applied_at timestamptz not null default now())';

interface Migration {
  readonly id: string;
  readonly digest: string;
  readonly text: string;
}

/**
 * Brings the schema up to date, forward only. Each migration commits with its row, so a crash leaves whole steps.
 * @throws SCHEMA_TOO_NEW where the database has a migration that this version does not know, SCHEMA_DIFFERS where it has
 *   one of the same name and another content
 */
export async function migrate(db: Database): Promise<void> {
  const known = await readMigrations();
  if ((await unapplied(db, known)).length === 0) return;
  await db.transaction(async (session) => {
    // Two processes that create a table at the same moment disturb each other, also with `if not exists`.
    await session.query('', `select pg_advisory_xact_lock(${LOCK_KEY})`, []);
    await session.query('', TABLE, []);
  });
  for (const migration of known) {
    await db.transaction(async (session) => {
      await session.query('', `select pg_advisory_xact_lock(${LOCK_KEY})`, []);
      const done = await session.query('', 'select 1 from migration where id = $1', [migration.id]);
      if (done.length > 0) return;
      for (const statement of statements(migration.text)) await session.query('', statement, []);
      await session.query('', 'insert into migration (id, digest) values ($1, $2)', [migration.id, migration.digest]);
    });
  }
}

async function readMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(FOLDER, name), 'utf8');
      return { id: name.slice(0, -'.sql'.length), digest: digestBytes(text), text };
    }),
  );
}

async function unapplied(db: Database, known: readonly Migration[]): Promise<readonly Migration[]> {
  const exists = await db.query('migration_exists', `select to_regclass('migration') is not null`, []);
  if (exists[0]?.[0] !== true) return known;
  const applied = new Map(
    (await db.query('migrations', 'select id, digest from migration', [])).map((row) => [
      String(row[0]),
      String(row[1]),
    ]),
  );
  for (const [id, digest] of applied) {
    const ours = known.find((migration) => migration.id === id);
    if (ours?.digest === digest) continue;
    if (!ours)
      throw new MaestroError('SCHEMA_TOO_NEW', `the database holds migration ${id}, which this version does not know`);
    throw new MaestroError(
      'SCHEMA_DIFFERS',
      `the database was made by a different build of this version: its migration ${id} is not the one of this build`,
    );
  }
  return known.filter((migration) => !applied.has(migration.id));
}

/** Splits a script at semicolons outside of comments, quotes and `$$` bodies: one statement per extended-protocol query. */
export function statements(script: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  const token = /--[^\n]*|'(?:[^']|'')*'|\$\$[\s\S]*?\$\$|;/g;
  for (const match of script.matchAll(token)) {
    if (match[0] !== ';') continue;
    parts.push(script.slice(start, match.index).trim());
    start = match.index + 1;
  }
  parts.push(script.slice(start).trim());
  return parts.filter((part) => part.replace(/--[^\n]*/g, '').trim() !== '');
}
