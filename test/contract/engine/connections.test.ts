import assert from 'node:assert/strict';
import { Client } from 'pg';
import { expect, it } from 'vitest';
import { openPostgres } from '../../../src/store/postgres.ts';
import { describeWith } from '../../real-parts.ts';

describeWith('postgres', 'connections to Postgres', (url) => {
  it('that the server ends in mid-transaction fail that transaction alone, not the process', async () => {
    const db = await openPostgres(url);
    const other = new Client({ connectionString: url });
    await other.connect();
    const broken = db.transaction(async (session) => {
      const [row] = await session.query('', 'select pg_backend_pid()', []);
      await other.query('select pg_terminate_backend($1)', [row?.[0]]);
      return session.query('', 'select 1', []);
    });
    await assert.rejects(broken);
    expect(await db.query('', 'select 1', [])).toEqual([[1]]);
    await other.end();
    await db.close();
  });

  it('end by themselves where a transaction stands still, so that a stopped process stops no other', async () => {
    const db = await openPostgres(url);
    const [row] = await db.query(
      '',
      "select current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout')",
      [],
    );
    expect(row).toEqual(['30s', '20s']);
    await db.close();
  });
});
