import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../../../src/engine/engine.ts';
import type { CodeEvent } from '../../../../src/github/code-event.ts';
import { MissedDeliveries } from '../../../../src/github/intake/missed-deliveries.ts';
import { MissedHeads } from '../../../../src/github/intake/missed-heads.ts';
import { OpenRuns } from '../../../../src/github/intake/open-runs.ts';
import { Sweeps } from '../../../../src/github/intake/sweeps.ts';
import type { GitHubAccess } from '../../../../src/github/octokit.ts';
import { refOfDecision } from '../../../../src/github/protection/deployment-decision.ts';
import type { GitHubRun, GitHubRuns } from '../../../../src/protocol/github-run.ts';
import type { Inbox } from '../../../../src/protocol/inbox.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openGitHubRuns } from '../../../../src/store/github-runs.ts';
import { openInbox } from '../../../../src/store/inbox.ts';
import { openTestEngine } from '../../../fakes/engine.ts';
import { githubRun } from '../../../fakes/github-runs.ts';
import { planOf, planStep, TRIGGER } from '../../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../../fresh-database.ts';
import { FarEnd } from '../matching/far-end.ts';
import { BASE, HEAD } from '../matching/sample-events.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const RECENT = '2026-11-20T11:00:00Z';
const OLD = '2026-11-10T11:00:00Z';
const REPO = '/repos/octo/app';

describe('the sweepers', () => {
  const far = new FarEnd();
  let fresh: FreshDatabase;
  let db: Database;
  let engine: Engine;
  let inbox: Inbox;
  let runs: GitHubRuns;
  let access: GitHubAccess;
  let nowMs = NOW;
  const clock = { now: () => nowMs };
  const errors: unknown[] = [];
  const onError = (error: unknown): number => errors.push(error);
  beforeAll(async () => {
    fresh = await freshDatabase(undefined);
    db = await fresh.open();
    engine = await openTestEngine(db);
    inbox = openInbox(db);
    runs = openGitHubRuns(db);
    access = await far.open();
  });
  beforeEach(async () => {
    far.reset();
    errors.length = 0;
    nowMs = NOW;
    for (const table of ['delivery', 'redelivery', 'github_run']) await db.query('', `delete from ${table}`, []);
  });
  afterAll(async () => {
    await far.close();
    await engine.close();
    await db.close();
    await fresh.drop();
  });

  describe('of missed deliveries', () => {
    const LIST = 'GET /app/hook/deliveries';
    const sent = (id: number, guid: string, status_code: number, delivered_at = RECENT) => ({
      id,
      guid,
      status_code,
      delivered_at,
    });
    const asked = (): readonly string[] => far.calls.filter((call) => call.startsWith('POST'));

    beforeEach(() => {
      for (let id = 1; id < 20; id++) far.answers.set(`POST /app/hook/deliveries/${id}/attempts`, {});
    });

    it('asks for what failed and never came, at its newest sending', async () => {
      for (const id of ['came', 'again'])
        await inbox.accept({ id, lane: 'x', event: 'push', action: null, installationId: 1, payload: {} });
      far.answers.set(LIST, [
        sent(9, 'failed', 502),
        sent(8, 'came', 500),
        sent(7, 'again', 200),
        sent(6, 'again', 502),
        sent(5, 'failed', 0),
        sent(4, 'old', 502, OLD),
      ]);
      expect(await new MissedDeliveries({ access, inbox, clock, onError }).sweep()).toEqual(['failed']);
      expect(asked()).toEqual(['POST /app/hook/deliveries/9/attempts']);
    });

    it('asks sixteen times at most, also after a restart', async () => {
      far.answers.set(LIST, [sent(9, 'failed', 502)]);
      for (let i = 0; i < 18; i++) {
        await new MissedDeliveries({ access, inbox, clock, onError }).sweep();
        await db.query('', `update redelivery set asked_at = now() - interval '3 days'`, []);
      }
      expect(asked()).toHaveLength(16);
    });

    it('asks again seconds after the server was killed twice in a row, and ever later for what fails each time', async () => {
      far.answers.set(LIST, [sent(9, 'failed', 0)]);
      const asksAfter = async (seconds: number): Promise<boolean> => {
        await db.query('', `update redelivery set asked_at = now() - $1::float8 * interval '1 second'`, [seconds]);
        return (await new MissedDeliveries({ access, inbox, clock, onError }).sweep()).length > 0;
      };
      expect(await asksAfter(0)).toBe(true);
      expect(await asksAfter(3)).toBe(false);
      expect(await asksAfter(4.5)).toBe(true);
      expect(await asksAfter(7)).toBe(false);
      expect(await asksAfter(8.5)).toBe(true);
      for (let i = 0; i < 8; i++) expect(await asksAfter(3600)).toBe(true);
      expect(await asksAfter(3600)).toBe(false);
    });

    it('keeps in sight what is still missing, though it was sent long ago', async () => {
      const next = `<${far.origin}/app/hook/deliveries?per_page=100&cursor=v1_2>; rel="next"`;
      far.answers.set(`${LIST}?per_page=100`, { link: next, body: [sent(9, 'new', 200, '2026-11-20T12:50:00Z')] });
      far.answers.set(`${LIST}?per_page=100&cursor=v1_2`, [sent(8, 'missing', 0)]);
      const sweeper = new MissedDeliveries({ access, inbox, clock, onError });
      expect(await sweeper.sweep()).toEqual(['missing']);
      nowMs += 3_600_000;
      await db.query('', `update redelivery set asked_at = now() - interval '1 hour'`, []);
      expect(await sweeper.sweep()).toEqual(['missing']);
    });

    it('reads on from page to page until three days ago, and later only what is new', async () => {
      const next = `<${far.origin}/app/hook/deliveries?per_page=100&cursor=v1_2>; rel="next"`;
      far.answers.set(`${LIST}?per_page=100`, { link: next, body: [sent(9, 'a', 502)] });
      far.answers.set(`${LIST}?per_page=100&cursor=v1_2`, {
        link: next,
        body: [sent(8, 'b', 502), sent(7, 'c', 502, OLD)],
      });
      const sweeper = new MissedDeliveries({ access, inbox, clock, onError });
      expect(await sweeper.sweep()).toEqual(['a', 'b']);
      expect(far.calls.filter((call) => call === LIST)).toHaveLength(2);
      for (const id of ['a', 'b'])
        await inbox.accept({ id, lane: 'x', event: 'push', action: null, installationId: 1, payload: {} });
      nowMs += 3_600_000;
      await sweeper.sweep();
      expect(far.calls.filter((call) => call === LIST)).toHaveLength(3);
      await sweeper.sweep();
      expect(far.calls.filter((call) => call === LIST)).toHaveLength(4);
    });
  });

  describe('of open runs', () => {
    async function started(change: Partial<GitHubRun>): Promise<string> {
      const { run } = await engine.startRun({ plan: planOf([planStep('a')]), trigger: TRIGGER, isDedicated: true });
      const { id: runId } = await engine.readRun(run);
      await runs.add(githubRun({ runId, headSha: HEAD, ref: 'refs/heads/feature', ...change }));
      return runId;
    }
    const statusOf = async (runId: string): Promise<string> =>
      (await engine.readRun(await engine.resolve(runId))).status;
    const PULL = { pullNumber: 7, ref: 'refs/pull/7/head' };
    const MERGES = `GET ${REPO}/commits/${HEAD}/pulls`;

    it.each([
      [
        'goes on while its pull request is open',
        PULL,
        { [`GET ${REPO}/pulls/7`]: { state: 'open', merged: false } },
        'running',
      ],
      [
        'goes on when its pull request was merged',
        PULL,
        { [`GET ${REPO}/pulls/7`]: { state: 'closed', merged: true } },
        'running',
      ],
      [
        'ends when its pull request was closed',
        PULL,
        { [`GET ${REPO}/pulls/7`]: { state: 'closed', merged: false }, [MERGES]: [{ state: 'closed' }] },
        'cancelled',
      ],
      [
        'goes on when its pull request was closed, and another open one has its commit',
        PULL,
        {
          [`GET ${REPO}/pulls/7`]: { state: 'closed', merged: false },
          [MERGES]: [{ state: 'open', head: { sha: HEAD } }],
        },
        'running',
      ],
      ['goes on where the closing started it', { ...PULL, survivesClosing: true }, {}, 'running'],
      [
        'goes on while its branch exists',
        {},
        { [`GET ${REPO}/git/ref/heads/feature`]: { object: { sha: HEAD } } },
        'running',
      ],
      ['ends when its branch was deleted', {}, { [MERGES]: [{ merged_at: null }] }, 'cancelled'],
      ['goes on when its branch was deleted by a merge', {}, { [MERGES]: [{ merged_at: RECENT }] }, 'running'],
      ['goes on where it is of a tag', { ref: 'refs/tags/v1' }, {}, 'running'],
    ])('a run %s', async (_name, change, answers, status) => {
      const runId = await started(change);
      for (const [call, answer] of Object.entries(answers)) far.answers.set(call, answer);
      await new OpenRuns({ access, engine, runs, onError }).sweep();
      expect(await statusOf(runId)).toBe(status);
      expect(errors).toEqual([]);
    });

    it('looks at the next repository where one cannot be asked, and asks once for runs of one place', async () => {
      const lost = await started({ repositoryId: 12, repo: 'gone', ...PULL });
      const both = [await started(PULL), await started(PULL)];
      far.answers.set(`GET ${REPO}/pulls/7`, { state: 'closed', merged: false });
      far.answers.set(MERGES, []);
      await new OpenRuns({ access, engine, runs, onError }).sweep();
      expect(errors).toHaveLength(1);
      expect(await statusOf(lost)).toBe('running');
      for (const runId of both) expect(await statusOf(runId)).toBe('cancelled');
      expect(far.calls.filter((call) => call === `GET ${REPO}/pulls/7`)).toHaveLength(1);
    });
  });

  describe('of missed heads', () => {
    const offered: CodeEvent[] = [];
    const starter = {
      start: async (event: CodeEvent) => {
        offered.push(event);
        return { started: [], skipped: [], broken: [], held: [] };
      },
    };
    const pull = (number: number, sha: string, updated_at: string, repo = 11) => ({
      number,
      updated_at,
      head: { sha, ref: 'feature', repo: { id: repo } },
      base: { sha: BASE, ref: 'main', repo: { id: 11 } },
      user: { login: 'mona' },
      labels: [],
    });

    beforeEach(() => {
      offered.length = 0;
      const repository = { id: 11, name: 'app', owner: { login: 'octo' }, default_branch: 'main', html_url: '' };
      const commit = { message: 'x', committer: { date: RECENT } };
      far.answers.set('GET /app/installations', [{ id: 3, created_at: OLD, suspended_at: null }]);
      far.answers.set('GET /installation/repositories', {
        total_count: 1,
        repositories: [{ ...repository, pushed_at: RECENT, archived: false }],
      });
      far.answers.set(`GET ${REPO}/pulls`, [
        pull(7, HEAD, RECENT),
        pull(8, 'c'.repeat(40), RECENT, 12),
        pull(9, 'd'.repeat(40), OLD),
      ]);
      far.answers.set(`GET ${REPO}/branches/main`, {
        commit: { sha: 'e'.repeat(40), commit, author: { login: 'mona' } },
      });
    });
    const heads = (): MissedHeads => new MissedHeads({ access, starter, runs, clock, onError });

    it('offers young heads without a run, once, a fork with the definitions of its base', async () => {
      const sweeper = heads();
      await sweeper.sweep();
      await sweeper.sweep();
      expect(errors).toEqual([]);
      expect(offered).toMatchObject([
        { type: 'pull_request', headSha: HEAD, definitionsSha: HEAD },
        { type: 'pull_request', definitionsSha: BASE, pull: { isFork: true } },
        { type: 'push', headSha: 'e'.repeat(40), branch: 'main', commitMessage: 'x' },
      ]);
    });

    it('takes no decision about a job of Actions for a run of the head', async () => {
      await runs.add(githubRun({ runId: 'd1', headSha: HEAD, ref: refOfDecision('prod') }));
      await heads().sweep();
      expect(offered).toHaveLength(3);
      await runs.add(githubRun({ runId: 'r1', headSha: HEAD }));
      await heads().sweep();
      expect(offered).toHaveLength(3 + 2);
    });

    it('goes on with the next page of repositories at the next sweep', async () => {
      const LIST = 'GET /installation/repositories';
      far.answers.set(`${LIST}?per_page=30&page=1`, { total_count: 31, repositories: [] });
      const sweeper = heads();
      await sweeper.sweep();
      expect(offered).toEqual([]);
      await sweeper.sweep();
      expect(offered).toHaveLength(3);
    });

    it.each([
      ['installed since', '2026-11-20T11:59:00Z', 0],
      ['installed in the second of the last change', RECENT.replace('Z', '.002Z'), 0],
      ['installed a second before it, in words of another time zone', '2026-11-20T06:59:59-04:00', 3],
    ])('leaves the past alone: %s', async (_name, created_at, count) => {
      far.answers.set('GET /app/installations', [{ id: 3, created_at, suspended_at: null }]);
      await heads().sweep();
      expect(offered).toHaveLength(count);
    });

    it('leaves suspended installations alone', async () => {
      far.answers.set('GET /app/installations', [{ id: 3, created_at: OLD, suspended_at: RECENT }]);
      await heads().sweep();
      expect(offered).toEqual([]);
    });
  });

  it('come again soon after the start, when what failed meanwhile shows at last', async () => {
    const thrice = Promise.withResolvers<void>();
    let times = 0;
    const sweep = async (): Promise<void> => {
      times++;
      if (times === 3) thrice.resolve();
    };
    const sweeps = new Sweeps({ sweeps: [sweep], everyMs: 3_600_000, soonMs: 1, onError });
    sweeps.start();
    await thrice.promise;
    await sweeps.stop();
    expect(errors).toEqual([]);
  });

  it('come again as soon where one of them left something to do', async () => {
    const done = Promise.withResolvers<void>();
    let times = 0;
    // With pauses that double the sixth would come after a minute.
    const sweep = async (): Promise<boolean> => {
      if (++times === 6) done.resolve();
      return true;
    };
    const sweeps = new Sweeps({ sweeps: [async () => [], sweep], everyMs: 3_600_000, soonMs: 2000, onError });
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    sweeps.start();
    for (let i = 0; i < 5; i++) await vi.advanceTimersByTimeAsync(2000);
    vi.useRealTimers();
    await done.promise;
    await sweeps.stop();
    expect(times).toBe(6);
  });

  it('go on after one of them failed, and end when they are told to', async () => {
    const done = Promise.withResolvers<void>();
    const sweeps = new Sweeps({
      sweeps: [() => Promise.reject(new Error('GitHub is away')), async () => done.resolve()],
      everyMs: 60_000,
      onError,
    });
    sweeps.start();
    await done.promise;
    await sweeps.stop();
    expect(errors).toMatchObject([{ message: 'GitHub is away' }]);
  });
});
