import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCHEMA_PATH, schemaText } from '../../../app/write-schema.ts';
import type { Database } from '../../../src/store/database.ts';
import { migrate, statements } from '../../../src/store/migrate.ts';
import { emptyDatabase, type FreshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';

const TABLES = `select count(*)::int from pg_tables where schemaname = 'public'`;

async function applied(db: Database): Promise<readonly unknown[]> {
  return (await db.query('', 'select id from migration order by id', [])).map(([id]) => id);
}

function suite(url: string | undefined): void {
  let fresh: FreshDatabase;
  let db: Database;
  beforeAll(async () => {
    fresh = await emptyDatabase(url);
    db = await fresh.open();
  });
  afterAll(async () => {
    await db.close();
    await fresh.drop();
  });

  it('leave whole steps where one is killed, and the next start goes on from there', async () => {
    const dies: Database = {
      ...db,
      transaction: (body) =>
        db.transaction((session) =>
          body({
            query: async (name, text, values) => {
              if (text.includes('create function')) throw new Error('killed');
              return session.query(name, text, values);
            },
          }),
        ),
    };
    await expect(migrate(dies)).rejects.toThrow('killed');
    const [first, ...others] = await applied(db);
    expect([first, others]).toEqual(['0001_tables', []]);
    await migrate(db);
    expect((await applied(db)).length).toBeGreaterThan(1);
  });

  it('change nothing when they are applied again', async () => {
    const before = await schemaText(db);
    const at = await db.query('', 'select id, digest, applied_at from migration order by id', []);
    await migrate(db);
    expect(await schemaText(db)).toBe(before);
    expect(await db.query('', 'select id, digest, applied_at from migration order by id', [])).toEqual(at);
  });

  it('refuse a database of a newer version, and one whose migrations differ', async () => {
    await db.query('', `insert into migration (id, digest) values ('9999_future', 'sha256:x')`, []);
    await expect(migrate(db)).rejects.toMatchObject({ code: 'SCHEMA_TOO_NEW' });
    await db.query('', `delete from migration where id = '9999_future'`, []);
    await migrate(db);
    await db.query('', `update migration set digest = 'sha256:x' where id = '0001_tables'`, []);
    await expect(migrate(db)).rejects.toMatchObject({ code: 'SCHEMA_DIFFERS' });
  });
}

describe('migrations, embedded', () => {
  suite(undefined);
});
describeWith('postgres', 'migrations, on Postgres', suite);

describeWith('postgres', 'migrations of several processes at once', (url) => {
  it('apply each migration once, and all of them succeed', async () => {
    const fresh = await emptyDatabase(url);
    const databases = await Promise.all([1, 2, 3, 4].map(() => fresh.open()));
    try {
      await Promise.all(databases.map(migrate));
      const [db] = databases as [Database];
      expect(await applied(db)).toEqual([...new Set(await applied(db))]);
      const [[tables]] = (await db.query('', TABLES, [])) as [[number]];
      expect(tables).toBe((await readFile(SCHEMA_PATH, 'utf8')).match(/^create table /gm)?.length);
    } finally {
      await Promise.all(databases.map((db) => db.close()));
      await fresh.drop();
    }
  });
});

describe('schema.sql', () => {
  it('is current: if this fails, run `npm run schema:dump`', async () => {
    const fresh = await emptyDatabase(undefined);
    const db = await fresh.open();
    await migrate(db);
    const text = await schemaText(db);
    await db.close();
    await fresh.drop();
    expect(await readFile(SCHEMA_PATH, 'utf8')).toBe(text);
  });
});

describe('statements', () => {
  it('splits at semicolons, but not in comments, quotes and bodies', () => {
    const script = `-- it's; a comment\nselect 'a;''b';\n;\ncreate function f() as $$ begin; 'x; end $$;\n-- the end;`;
    expect(statements(script)).toEqual([
      `-- it's; a comment\nselect 'a;''b'`,
      `create function f() as $$ begin; 'x; end $$`,
    ]);
  });
});
