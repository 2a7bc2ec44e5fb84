import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import type { GitHubRun } from '../../../src/protocol/github-run.ts';
import { openCheckBoard } from '../../../src/store/check-board.ts';
import { openCommandRecords } from '../../../src/store/command-records.ts';
import type { Database } from '../../../src/store/database.ts';
import { openDispatches } from '../../../src/store/dispatches.ts';
import { openGitHubRuns } from '../../../src/store/github-runs.ts';
import { openPruning } from '../../../src/store/pruning.ts';
import { openTestGrants } from '../../../src/store/test-grants.ts';
import { openWriteAllowance } from '../../../src/store/write-allowance.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { checkSpec } from '../../fakes/checks.ts';
import { openTestEngine } from '../../fakes/engine.ts';
import { githubRun } from '../../fakes/github-runs.ts';
import { NO_QUOTAS } from '../../fakes/job-quotas.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';

const DAY_MS = 86_400_000;
const HEAD = 'a'.repeat(40);
const BEFORE = 'b'.repeat(40);
const PLACE = { installationId: 1, repositoryId: 10, owner: 'octo', repo: 'app' };
const PULL = { ...PLACE, pullNumber: 7 };
const TABLES = 'github_run report report_pull dispatch test_grant command_request worker_session write_allowance';
const SPEC = checkSpec({ status: 'completed', conclusion: 'success', title: 'Done' });

onEveryDatabase('what is over', (url) => {
  let fresh: FreshDatabase;
  let db: Database;
  let engine: Engine;
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    db = await fresh.open();
    engine = await openTestEngine(db);
  });
  beforeEach(async () => {
    for (const table of TABLES.split(' ')) await db.query('', `delete from ${table}`, []);
  });
  afterAll(async () => {
    await engine.close();
    await db.close();
    await fresh.drop();
  });

  const now = Date.now();
  const at = (daysAgo: number): Date => new Date(now - daysAgo * DAY_MS);
  const prune = (): Promise<number> =>
    openPruning(db).prune({ endedBefore: at(90), pullHeadBefore: at(365), requestBefore: at(7) });
  const column = async (table: string, name: string): Promise<readonly unknown[]> =>
    (await db.query('', `select ${name} from ${table} order by ${name}`, [])).map(([value]) => value);
  const age = (table: string, column: string, daysAgo: number, key: string, value: string): Promise<unknown> =>
    db.query('', `update ${table} set ${column} = $1 where ${key} = $2`, [at(daysAgo).toISOString(), value]);

  async function addRun(runId: string, change: Partial<GitHubRun> = {}): Promise<void> {
    await openGitHubRuns(db).add(githubRun({ ...PLACE, runId, headSha: HEAD, pullNumber: null, ...change }));
  }
  const closeRun = async (runId: string, daysAgo: number): Promise<void> => {
    await openGitHubRuns(db).close(runId);
    await age('github_run', 'closed_at', daysAgo, 'run_id', runId);
  };
  const put = (externalId: string, headSha = HEAD, pullNumber: number | null = null): Promise<void> =>
    openCheckBoard(db).put({ ...PLACE, headSha, pullNumber }, { ...SPEC, externalId });
  /** Everything that is due is written, so many days ago. */
  async function write(daysAgo: number): Promise<void> {
    const board = openCheckBoard(db);
    const nowMs = at(daysAgo).getTime();
    for (;;) {
      const dues = await board.claim({ nowMs, claimMs: 1000, limit: 100, installations: { except: [] } });
      if (dues.length === 0) break;
      for (const due of dues) await board.record(due, { remoteId: due.id, sentAnnotations: 0, isWhole: true, nowMs });
    }
    await db.query('', 'update report set added_at = $1', [at(daysAgo).toISOString()]);
  }

  describe('on GitHub', () => {
    it('goes with its checks when it is old, and neither what is open nor what is young', async () => {
      for (const runId of ['old', 'young', 'open']) {
        await addRun(runId);
        await put(runId);
        await put(`${runId}/test`);
      }
      await write(100);
      await closeRun('old', 91);
      await closeRun('young', 89);
      expect(await prune()).toBe(3);
      expect(await column('github_run', 'run_id')).toEqual(['open', 'young']);
      expect(await column('report', 'external_id')).toEqual(['open', 'open/test', 'young', 'young/test']);
      expect(await prune()).toBe(0);
    });

    it('stays while a word about it is still to be written', async () => {
      await addRun('due');
      await closeRun('due', 200);
      await write(200);
      await put('due/test');
      await db.query('', 'update report set added_at = $1', [at(200).toISOString()]);
      expect(await prune()).toBe(0);
      await write(200);
      expect(await prune()).toBe(2);
    });

    it('stays for a year where it is of the newest commit of a pull request, which may be open still', async () => {
      for (const [runId, headSha] of [
        ['before', BEFORE],
        ['first', HEAD],
        ['second', HEAD],
      ] as const) {
        await addRun(runId, { headSha, pullNumber: 7 });
        await closeRun(runId, 100);
      }
      await prune();
      // A sweep that finds the pull request finds the runs of its head as well.
      expect(await openGitHubRuns(db).ofCommit(PLACE.repositoryId, HEAD)).toHaveLength(2);
      expect(await openGitHubRuns(db).ofCommit(PLACE.repositoryId, BEFORE)).toEqual([]);
      for (const runId of ['first', 'second']) await age('github_run', 'closed_at', 366, 'run_id', runId);
      await prune();
      expect(await column('github_run', 'run_id')).toEqual([]);
    });

    it('goes where it is a notice without a run, and was not said again since', async () => {
      for (const name of ['notice/old', 'notice/new']) await put(name);
      await write(100);
      await put('notice/new', HEAD);
      await db.query('', `update report set sent_ms = $1 where external_id = 'notice/new'`, [at(1).getTime()]);
      await prune();
      expect(await column('report', 'external_id')).toEqual(['notice/new']);
    });

    it('leaves the comment of a pull request until nothing is left of it', async () => {
      const board = openCheckBoard(db);
      await addRun('r7', { pullNumber: 7 });
      await put('r7', HEAD, 7);
      const [changed] = await board.changedPulls(1);
      await board.putComment({ ...PULL, headSha: null, hasComment: false, changed: changed?.changed ?? 0 }, 'Hi', true);
      await write(400);
      await db.query('', 'update report_pull set added_at = $1', [at(400).toISOString()]);
      await closeRun('r7', 100);
      expect(await prune()).toBe(0);
      await closeRun('r7', 366);
      await age('github_run', 'closed_at', 366, 'run_id', 'r7');
      expect(await prune()).toBe(4);
      for (const table of ['github_run', 'report', 'report_pull']) expect(await column(table, '1')).toEqual([]);
    });

    it('goes in batches, however much it is', async () => {
      await db.query(
        '',
        `insert into github_run (run_id, installation_id, repository_id, owner, repo, head_sha, ref, default_branch, is_fork,
           pipeline_path, check_name, closed_at)
         select 'r' || n, 1, 10, 'o', 'r', 'x', 'refs/heads/main', 'main', false, 'p', 'c', $1::timestamptz
         from generate_series(1, 2500) n`,
        [at(91).toISOString()],
      );
      expect(await prune()).toBe(2500);
    });
  });

  it('goes where it is a job of a run that is over, and not of one that is open', async () => {
    const dispatches = openDispatches(db, { now: () => at(91).getTime() });
    for (const dispatchId of ['over', 'live', 'open']) {
      const { run } = await engine.startRun({ plan: planOf([planStep('a')]), trigger: TRIGGER, isDedicated: true });
      const { id: runId } = await engine.readRun(run);
      const wanted = { ...PLACE, dispatchId, runId, class: 'ubuntu-latest', ordinal: 1, labels: [], ref: 'main' };
      await dispatches.request(wanted, NO_QUOTAS);
      if (dispatchId !== 'live') await dispatches.end(dispatchId, 'ended', null);
      if (dispatchId !== 'open') await engine.cancelRun(run, 'over');
    }
    await prune();
    expect(await column('dispatch', 'id')).toEqual(['live', 'open']);
  });

  it('goes where it is a grant, and the commit has to be vouched for again', async () => {
    const grants = openTestGrants(db);
    const grant = { repositoryId: 10, pullNumber: 7, headSha: HEAD, baseRef: 'main', grantedBy: 'ada' };
    await grants.grant(grant);
    await grants.grant({ ...grant, headSha: BEFORE });
    await age('test_grant', 'granted_at', 91, 'head_sha', BEFORE);
    await prune();
    expect(await grants.isGranted(grant)).toBe(true);
    expect(await grants.isGranted({ ...grant, headSha: BEFORE })).toBe(false);
  });

  it('goes where it is a request that nobody finished, and not one that was just given back', async () => {
    const records = openCommandRecords(db);
    for (const key of ['old', 'given-back']) {
      await records.claim(key, 'me', 1000);
      await records.intend(key, 0, { run: 'r1' });
      await records.release(key, 'me');
    }
    await age('command_request', 'asked_at', 8, 'key', 'old');
    expect(await prune()).toBe(1);
    expect(await records.target('given-back', 0)).toEqual({ run: 'r1' });
    expect(await records.target('old', 0)).toBeUndefined();
  });

  it('goes where it is the session of a worker that is over, or what an installation has long been quiet about', async () => {
    await db.query(
      '',
      `insert into worker_session (token_hash, worker, run_key, class, isolation, expires_at)
       values ('a', 1, 'r', 'c', 'user', now() - interval '1 minute'), ('b', 2, 'r', 'c', 'user', now() + interval '1 hour')`,
      [],
    );
    const allowance = openWriteAllowance(db);
    await allowance.take(1, { purpose: 'report', atMost: 1, nowMs: at(91).getTime() });
    await allowance.take(2, { purpose: 'report', atMost: 1, nowMs: at(1).getTime() });
    await allowance.close(3, at(-1).getTime());
    expect(await prune()).toBe(2);
    expect(await column('worker_session', 'worker')).toEqual([2]);
    expect((await column('write_allowance', 'installation_id')).map(Number)).toEqual([2, 3]);
  });
});
