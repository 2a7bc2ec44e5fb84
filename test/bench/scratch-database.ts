import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import type { BenchDatabase } from './engine.ts';

/** Written by `.ci/tools/postgres.sh up`. */
const URL_FILE = resolve(import.meta.dirname, '../../.tools/postgres.url');
const START = 'start one with `.ci/tools/postgres.sh up`, or set MAESTRO_TEST_POSTGRES to a URL';

/** Makes an empty database (or folder) of our own. Its name holds our process id, so that measurements do not collide. */
export async function makeScratch(kind: BenchDatabase['kind'], suffix = 'main'): Promise<BenchDatabase> {
  if (kind === 'pglite') return { kind, folder: join(mkdtempSync(join(tmpdir(), 'maestro-bench-')), 'data') };
  const url = new URL(serverUrl());
  const name = `maestro_bench_${process.pid}_${suffix}`;
  await onServer(`drop database if exists ${name} with (force)`, `create database ${name}`);
  url.pathname = `/${name}`;
  return { kind, url: url.toString() };
}

export async function dropScratch(database: BenchDatabase): Promise<void> {
  if (database.kind === 'pglite') rmSync(resolve(database.folder, '..'), { recursive: true, force: true });
  else await onServer(`drop database if exists ${new URL(database.url).pathname.slice(1)} with (force)`);
}

async function onServer(...statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: serverUrl() });
  await client.connect().catch((cause: unknown) => {
    throw new Error(`the Postgres at ${new URL(serverUrl()).host} does not answer: ${START}`, { cause });
  });
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

function serverUrl(): string {
  const url = process.env.MAESTRO_TEST_POSTGRES ?? (existsSync(URL_FILE) ? readFileSync(URL_FILE, 'utf8').trim() : '');
  if (url) return url;
  throw new Error(
    'no Postgres to measure on: start one with `.ci/tools/postgres.sh up`, or set MAESTRO_TEST_POSTGRES to a URL',
  );
}
