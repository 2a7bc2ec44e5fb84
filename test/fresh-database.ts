import { randomBytes } from 'node:crypto';
import { cpSync, existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Database } from '../src/store/database.ts';
import { openEmbedded } from '../src/store/embedded.ts';
import { migrate } from '../src/store/migrate.ts';
import { openPostgres } from '../src/store/postgres.ts';

/** The name of the templates of this run of the tests: none outlives the schema that it was made of. */
const TEMPLATE_VARIABLE = 'MAESTRO_TEST_TEMPLATE';

/** Vitest's global set-up: names the templates. Who needs one first makes it. */
export function setup(): void {
  process.env[TEMPLATE_VARIABLE] = `maestro_test_template_${randomBytes(6).toString('hex')}`;
}

/** Removes the templates. */
export async function teardown(): Promise<void> {
  const { [TEMPLATE_VARIABLE]: template, MAESTRO_TEST_POSTGRES: url } = process.env;
  if (!template) return;
  await rm(join(tmpdir(), template), { recursive: true, force: true });
  if (url) await administer(url, `drop database if exists ${template} with (force)`);
}

export interface FreshDatabase {
  /** May be called again, also while it is open where the database is a server. */
  readonly open: () => Promise<Database>;
  readonly drop: () => Promise<void>;
}

/**
 * A new database with today's schema and no rows: embedded, or on the server at `url`.
 *
 * It is a copy of one that is made once in a run of the tests: to make one anew costs three seconds of a core where it is
 * embedded, and one second on a server, in each of some hundred suites.
 */
export async function freshDatabase(url: string | undefined): Promise<FreshDatabase> {
  const template = process.env[TEMPLATE_VARIABLE];
  // Without a run of the tests (as in a benchmark) there is nobody to share with.
  if (template === undefined) return emptyDatabase(url);
  if (url !== undefined) return newOnServer(url, await templateOnServer(url, template));
  const fresh = await newEmbedded();
  // The synchronous copy is the one that node does without a turn of its loop for each of a thousand files.
  cpSync(await embeddedTemplate(join(tmpdir(), template)), fresh.folder, { recursive: true });
  return fresh;
}

/** A new database without a schema, for tests of how it gets one. */
export function emptyDatabase(url: string | undefined): Promise<FreshDatabase> {
  return url === undefined ? newEmbedded() : newOnServer(url);
}

/** Several processes may make it at once: the first is kept, and none is seen before it is whole. */
async function embeddedTemplate(folder: string): Promise<string> {
  if (existsSync(folder)) return folder;
  const made = await newEmbedded();
  await filled(made);
  await rename(made.folder, folder).catch(async (error: unknown) => {
    await made.drop();
    if (!existsSync(folder)) throw error;
  });
  return folder;
}

async function templateOnServer(url: string, name: string): Promise<string> {
  const isThere = async (): Promise<boolean> =>
    (await administer(url, `select 1 from pg_database where datname = '${name}'`)).length > 0;
  if (await isThere()) return name;
  const made = await newOnServer(url);
  await filled(made);
  await administer(url, `alter database ${made.name} rename to ${name}`).catch(async (error: unknown) => {
    await made.drop();
    if (!(await isThere())) throw error;
  });
  return name;
}

async function filled(made: FreshDatabase): Promise<void> {
  const db = await made.open();
  await migrate(db);
  await db.close();
}

async function newEmbedded(): Promise<FreshDatabase & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'maestro-test-'));
  return { folder, open: () => openEmbedded(folder), drop: () => rm(folder, { recursive: true, force: true }) };
}

async function newOnServer(url: string, template = 'template1'): Promise<FreshDatabase & { readonly name: string }> {
  const name = `maestro_test_${randomBytes(6).toString('hex')}`;
  await administer(url, `create database ${name} template ${template}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  // No test stops the server, so none can tell a commit that is on disk from one that will be; half of the time goes there.
  own.searchParams.set('options', '-c synchronous_commit=off');
  return {
    name,
    open: () => openPostgres(own.toString()),
    drop: async () => {
      await administer(url, `drop database if exists ${name} with (force)`);
    },
  };
}

async function administer(url: string, statement: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<object>(statement)).rows;
  } finally {
    await client.end();
  }
}
