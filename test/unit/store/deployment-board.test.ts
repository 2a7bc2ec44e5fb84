import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CheckSpec } from '../../../src/protocol/check.ts';
import type { DeploymentSpec } from '../../../src/protocol/deployment-board.ts';
import type { DueReport } from '../../../src/protocol/report-book.ts';
import { openCheckBoard } from '../../../src/store/check-board.ts';
import type { Database } from '../../../src/store/database.ts';
import { openDeploymentBoard } from '../../../src/store/deployment-board.ts';
import { openGitHubRuns } from '../../../src/store/github-runs.ts';
import { openInstallations } from '../../../src/store/installations.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { openProtectionRules } from '../../../src/store/protection-rules.ts';
import { openPruning } from '../../../src/store/pruning.ts';
import { checkSpec } from '../../fakes/checks.ts';
import { githubRun } from '../../fakes/github-runs.ts';
import { freshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const TARGET = { installationId: 1, repositoryId: 10, owner: 'octo', repo: 'app', headSha: 'a'.repeat(40) };
const HOUR_MS = 3_600_000;

function spec(runId: string, change: Partial<DeploymentSpec> = {}): DeploymentSpec {
  const { environment = 'prod' } = change;
  return {
    externalId: `${runId}/environment/${environment}`,
    runId,
    planDigest: DIGEST,
    environment,
    title: 'ship',
    state: 'queued',
    description: 'Waits',
    logUrl: null,
    environmentUrl: null,
    isProduction: false,
    isVain: false,
    ...change,
  };
}

function suite(url: string | undefined): void {
  let db: Database;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const fresh = await freshDatabase(url);
    db = await fresh.open();
    drop = fresh.drop;
    await migrate(db);
  });
  afterAll(async () => {
    await db.close();
    await drop();
  });
  beforeEach(async () => {
    for (const table of ['report', 'github_run', 'write_allowance', 'protection_request'])
      await db.query('', `truncate ${table}`, []);
  });

  const put = (one: DeploymentSpec, version: number): Promise<void> =>
    openDeploymentBoard(db).putDeployment(TARGET, one, version);
  const claim = (nowMs: number): Promise<readonly DueReport[]> =>
    openCheckBoard(db).claim({ nowMs, claimMs: 1000, limit: 10, installations: { except: [] } });
  const record = (due: DueReport | undefined, nowMs: number, isWhole = true): Promise<boolean> => {
    if (due === undefined) throw new Error('nothing is due');
    return openCheckBoard(db).record(due, { remoteId: 5, sentAnnotations: 0, isWhole, nowMs });
  };
  const write = async (nowMs: number): Promise<readonly string[]> => {
    const dues = await claim(nowMs);
    for (const due of dues) await record(due, nowMs);
    return dues.map((due) => (due.kind === 'deployment' ? `${due.spec.runId} ${due.spec.state}` : due.kind));
  };

  it('is due at once after it was made, and only then paced', async () => {
    await put(spec('r1'), 1);
    const [made] = await claim(0);
    expect(made).toMatchObject({ kind: 'deployment', remoteId: null, isUnsure: false });
    await record(made, 0, false);
    const [told] = await claim(1);
    expect(told).toMatchObject({ remoteId: 5, isUnsure: false, writes: 0 });
    await record(told, 1);
    await put(spec('r1', { state: 'in_progress' }), 2);
    expect(await claim(4999)).toEqual([]);
    expect(await claim(5001)).toHaveLength(1);
  });

  it('tells the end at once', async () => {
    await put(spec('r1', { state: 'in_progress' }), 1);
    await write(0);
    await put(spec('r1', { state: 'failure' }), 2);
    expect(await write(1)).toEqual(['r1 failure']);
  });

  it('is told after what people wait for and what checks say of it', async () => {
    const board = openCheckBoard(db);
    const check = (externalId: string, change: Partial<CheckSpec>): Promise<void> =>
      board.put(TARGET, checkSpec({ externalId, name: externalId, ...change }));
    await put(spec('r1'), 1);
    await put(spec('r2', { state: 'success' }), 1);
    await check('goes on', { status: 'in_progress', conclusion: null });
    await check('has ended', { status: 'completed', conclusion: 'success' });
    await check('asks', { status: 'completed', conclusion: 'action_required' });
    const dues = await claim(0);
    expect(
      dues.map((due) => (due.kind === 'deployment' ? due.spec.state : due.kind === 'check' && due.spec.name)),
    ).toEqual(['asks', 'has ended', 'success', 'goes on', 'queued']);
  });

  it('is no news where only its log moved, or it waits for a shorter time', async () => {
    await put(spec('r1', { description: 'Waits: 90 s are left' }), 1);
    await write(0);
    await put(spec('r1', { description: 'Waits: 30 s are left', logUrl: 'https://log.test/' }), 2);
    expect(await claim(HOUR_MS)).toEqual([]);
    await put(spec('r1', { description: 'Waits: 0 of 2 approvals' }), 3);
    expect(await write(HOUR_MS)).toEqual(['r1 queued']);
  });

  it('that came to nothing is told where GitHub may have heard of it, and nowhere else', async () => {
    const denied = { state: 'error', isVain: true } as const;
    await put(spec('never said', denied), 1);
    await put(spec('not told'), 1);
    await put(spec('not told', denied), 2);
    await put(spec('not told'), 1);
    expect(await write(0)).toEqual([]);
    await put(spec('told'), 1);
    await write(0);
    await put(spec('told', denied), 2);
    await put(spec('perhaps told'), 1);
    expect(await claim(1)).toHaveLength(2);
    await put(spec('perhaps told', denied), 2);
    expect(await write(5000)).toEqual(['told error', 'perhaps told error']);
  });

  it('takes no older word', async () => {
    await put(spec('r1', { state: 'success' }), 2);
    await put(spec('r1', { state: 'in_progress' }), 1);
    expect(await write(0)).toEqual(['r1 success']);
  });

  it('knows what the run was told to deploy to, and nothing of others', async () => {
    await put(spec('r1'), 1);
    await put(spec('r1', { environment: 'staging' }), 1);
    await put(spec('r2', { environment: 'test' }), 1);
    expect(await openDeploymentBoard(db).deployedBy(TARGET, 'r1')).toEqual(['prod', 'staging']);
  });

  describe('that succeeds', () => {
    it('makes those before it inactive, in words where GitHub does not do it itself', async () => {
      for (const isProduction of [false, true]) {
        const environment = isProduction ? 'prod' : 'staging';
        await put(spec('r1', { environment, isProduction, state: 'success' }), 1);
        await write(0);
        await put(spec('r2', { environment, isProduction, state: 'success' }), 1);
        expect((await write(1)).toSorted()).toEqual([...(isProduction ? ['r1 inactive'] : []), 'r2 success']);
        // Whatever its run says later.
        await put(spec('r1', { environment, isProduction, state: 'success' }), 9);
        expect(await claim(HOUR_MS)).toEqual([]);
      }
    });

    it('leaves alone what did not succeed, what is elsewhere, and what another repository has', async () => {
      await put(spec('r1', { state: 'failure' }), 1);
      await put(spec('r2', { environment: 'staging', state: 'success', isProduction: true }), 1);
      const other = { ...TARGET, repositoryId: 11 };
      await openDeploymentBoard(db).putDeployment(other, spec('r3', { state: 'success', isProduction: true }), 1);
      await write(0);
      await put(spec('r4', { state: 'success', isProduction: true }), 1);
      expect(await write(1)).toEqual(['r4 success']);
    });

    it('stays known until something takes its place, and is forgotten then', async () => {
      const isThere = async (): Promise<readonly string[]> =>
        (await db.query('', `select external_id from report order by id`, [])).map(([id]) => String(id));
      await put(spec('r1', { state: 'success' }), 1);
      await write(0);
      const later = new Date(Date.now() + HOUR_MS);
      const ages = { endedBefore: later, pullHeadBefore: later, requestBefore: later };
      await openPruning(db).prune(ages);
      expect(await isThere()).toEqual(['r1/environment/prod']);
      await put(spec('r2', { state: 'success' }), 1);
      await write(1);
      await openPruning(db).prune(ages);
      expect(await isThere()).toEqual(['r2/environment/prod']);
    });
  });

  it('goes where its repository goes', async () => {
    await put(spec('r1'), 1);
    await openInstallations(db).move(10, { installationId: 7, owner: 'acme', repo: 'shop' });
    expect(await claim(0)).toMatchObject([{ installationId: 7, owner: 'acme', repo: 'shop' }]);
  });

  describe('jobs that wait for the App', () => {
    const add = async (runId: string, change: object = {}): Promise<void> => {
      const request = { runId, repositoryId: 10, workflowRunId: 7, attempt: 1, environment: 'prod', ...change };
      await openProtectionRules(db).add(request);
    };
    const addRun = (runId: string): Promise<void> => openGitHubRuns(db).add(githubRun({ ...TARGET, runId }));

    it('are open while the end of their run does not stand on GitHub', async () => {
      const rules = openProtectionRules(db);
      for (const runId of ['b', 'a', 'c']) {
        await add(runId, runId === 'c' ? { workflowRunId: 8 } : {});
        await addRun(runId);
      }
      const ids = (list: readonly { readonly runId: string }[]) => list.map(({ runId }) => runId);
      expect(ids(await rules.openOf(10, 7))).toEqual(['b', 'a']);
      expect(ids(await rules.openOf(11, 7))).toEqual([]);
      expect(ids(await rules.open(2))).toEqual(['b', 'a']);
      expect(ids(await rules.open(2, 'a'))).toEqual(['c']);
      await openGitHubRuns(db).close('b');
      expect(ids(await rules.openOf(10, 7))).toEqual(['a']);
      expect(await rules.find('b')).toMatchObject({ workflowRunId: 7, attempt: 1, environment: 'prod' });
    });

    it('stay as they were asked for first', async () => {
      await add('a');
      await add('a', { attempt: 2 });
      expect(await openProtectionRules(db).find('a')).toMatchObject({ attempt: 1 });
    });

    it('are forgotten with their run, and not before it came', async () => {
      await add('a');
      await add('b');
      await addRun('a');
      const prune = (endedBefore: Date) =>
        openPruning(db).prune({ endedBefore, pullHeadBefore: endedBefore, requestBefore: endedBefore });
      await prune(new Date(Date.now() - HOUR_MS));
      expect(await openProtectionRules(db).find('b')).toBeDefined();
      await prune(new Date(Date.now() + HOUR_MS));
      expect(await openProtectionRules(db).find('b')).toBeUndefined();
      expect(await openProtectionRules(db).find('a')).toBeDefined();
    });

    it('hear words with the pace of checks, and the answer at once', async () => {
      const say = (state: 'approved' | null, comment: string, version: number) =>
        openProtectionRules(db).putReview(
          TARGET,
          {
            runId: 'a',
            repositoryId: 10,
            workflowRunId: 7,
            attempt: 1,
            environment: 'prod',
            externalId: 'a/review/prod',
            state,
            comment,
          },
          version,
        );
      await say(null, 'one', 1);
      expect(await write(0)).toEqual(['review']);
      await say(null, 'two', 2);
      expect(await claim(1)).toEqual([]);
      await say('approved', 'three', 3);
      expect(await write(2)).toEqual(['review']);
      expect(await openCheckBoard(db).isPending(10, TARGET.headSha, 'a')).toBe(false);
    });
  });
}

describe('the board of deployments, embedded', () => {
  suite(undefined);
});
describeWith('postgres', 'the board of deployments, on Postgres', suite);
