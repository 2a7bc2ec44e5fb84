import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { Dispatches } from '../../../src/protocol/dispatch.ts';
import type { JobQuotas } from '../../../src/protocol/quota.ts';
import type { Database } from '../../../src/store/database.ts';
import { openDispatches } from '../../../src/store/dispatches.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { NO_QUOTAS } from '../../fakes/job-quotas.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';

const SERVERS = 4;
const AT_ONCE = 60;

interface Wanted {
  readonly runId: string;
  readonly class?: string;
  readonly ordinal?: number;
  readonly installationId?: number;
  readonly repositoryId?: number;
}

onEveryDatabase('jobs that are asked for at the same moment', (url) => {
  let fresh: FreshDatabase;
  const databases: Database[] = [];
  let servers: readonly Dispatches[];
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    for (let i = 0; i < (url === undefined ? 1 : SERVERS); i++) databases.push(await fresh.open());
    await migrate(database());
    servers = databases.map((db) => openDispatches(db, { now: Date.now }));
  });
  afterEach(() => database().query('', 'delete from dispatch', []));
  afterAll(async () => {
    for (const db of databases) await db.close();
    await fresh.drop();
  });

  function database(): Database {
    const [db] = databases;
    if (!db) throw new Error('no database is open');
    return db;
  }

  const server = (i: number): Dispatches => servers[i % servers.length] as Dispatches;
  const request = (wanted: Wanted, quotas: Partial<JobQuotas>, i: number) =>
    server(i).request(
      {
        dispatchId: `${wanted.runId}/${wanted.class ?? 'gpu'}/${wanted.ordinal ?? 1}/${i}`,
        class: 'gpu',
        ordinal: 1,
        labels: ['x'],
        installationId: 7,
        repositoryId: 42,
        owner: 'octo',
        repo: 'app',
        ref: 'main',
        ...wanted,
      },
      { ...NO_QUOTAS, ...quotas },
    );
  const all = (wanted: (i: number) => Wanted, quotas: Partial<JobQuotas>) =>
    Promise.all(Array.from({ length: AT_ONCE }, (_, i) => request(wanted(i), quotas, i)));
  const written = (answers: readonly unknown[]) => answers.filter((answer) => answer === 'written').length;
  const count = async (what: string): Promise<number> => {
    const [row] = await database().query('', `select count(${what})::int from dispatch where status < 3`, []);
    return Number(row?.[0]);
  };

  it('are never more than the class of an installation may have, of whatever repositories', async () => {
    const answers = await all((i) => ({ runId: `r${i}`, repositoryId: i }), { installationJobs: 5 });
    expect(written(answers)).toBe(5);
    expect(answers.filter((answer) => answer !== 'written')).toEqual(
      Array.from({ length: AT_ONCE - 5 }, () => ({ quota: 'installationJobs', used: 5 })),
    );
    expect(await request({ runId: 'other', class: 'linux' }, { installationJobs: 5 }, 0)).toBe('written');
    expect(await request({ runId: 'other', installationId: 8 }, { installationJobs: 5 }, 0)).toBe('written');
  });

  it('are never more than the class of a repository may have, also while it changes hands', async () => {
    const answers = await all((i) => ({ runId: `r${i}`, installationId: 7 + (i % 2) }), { repositoryJobs: 5 });
    expect(written(answers)).toBe(5);
    expect(answers.find((answer) => answer !== 'written')).toEqual({ quota: 'repositoryJobs', used: 5 });
    expect(await count('*')).toBe(5);
    expect(await request({ runId: 'other', repositoryId: 43 }, { repositoryJobs: 5 }, 0)).toBe('written');
  });

  it('are of no more runs than a repository may have at work, each with all of its jobs', async () => {
    const answers = await all((i) => ({ runId: `r${i % 20}`, class: `c${i % 3}` }), { repositoryRuns: 4 });
    expect(await count('distinct run_key')).toBe(4);
    expect(written(answers)).toBe(4 * 3);
    expect(answers.find((answer) => answer !== 'written')).toEqual({ quota: 'repositoryRuns', used: 4 });
  });

  it('are never too many while others end', async () => {
    const quotas = { repositoryJobs: 3, repositoryRuns: 3 };
    let most = 0;
    const lives = Array.from({ length: AT_ONCE }, async (_, i) => {
      const wanted = { runId: `r${i}`, installationId: 7 + (i % 2) };
      for (let tries = 0; tries < 5; tries++) {
        if ((await request(wanted, quotas, i)) !== 'written') continue;
        most = Math.max(most, await count('*'));
        await server(i).end(`${wanted.runId}/gpu/1/${i}`, 'ended', null);
        return;
      }
    });
    await Promise.all(lives);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(3);
    expect(await count('*')).toBe(0);
  });

  it('and were asked for by somebody else are taken, also where that filled the quota', async () => {
    const answers = await all(() => ({ runId: 'r' }), { repositoryJobs: 1 });
    expect(written(answers)).toBe(1);
    expect(answers.filter((answer) => answer === 'taken')).toHaveLength(AT_ONCE - 1);
  });

  it("count the jobs of people's own workflows as jobs of their runs", async () => {
    const place = { installationId: 7, repositoryId: 42, owner: 'octo', repo: 'app', ref: 'main' };
    await server(0).adopt(
      { dispatchId: 'own', runId: 'own', ...place },
      { repositoryId: 42, workflowRunId: 9, runAttempt: 1, keyDigest: digestBytes('key') },
    );
    const quotas = { repositoryJobs: 1, repositoryRuns: 1 };
    expect(await request({ runId: 'r' }, quotas, 0)).toEqual({ quota: 'repositoryRuns', used: 1 });
    expect(await request({ runId: 'own' }, quotas, 0)).toBe('written');
  });
});
