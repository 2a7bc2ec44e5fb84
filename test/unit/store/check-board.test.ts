import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CheckTarget } from '../../../src/protocol/check.ts';
import type { ChangedPull, DueReport } from '../../../src/protocol/report-book.ts';
import { openCheckBoard } from '../../../src/store/check-board.ts';
import type { Database } from '../../../src/store/database.ts';
import { openGitHubRuns } from '../../../src/store/github-runs.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { openWriteAllowance } from '../../../src/store/write-allowance.ts';
import { checkSpec } from '../../fakes/checks.ts';
import { githubRun } from '../../fakes/github-runs.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';

const TARGET: CheckTarget = {
  installationId: 1,
  repositoryId: 10,
  owner: 'octo',
  repo: 'app',
  headSha: 'a'.repeat(40),
};
const SPEC = checkSpec({ title: 'One', summary: 'text with NUL \0 and half a \ud800 character' });
const ALL = { except: [] };

function suite(url: string | undefined): void {
  let fresh: FreshDatabase;
  let db: Database;
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    db = await fresh.open();
    await migrate(db);
  });
  afterAll(async () => {
    await db.close();
    await fresh.drop();
  });
  beforeEach(async () => {
    for (const table of ['report', 'report_pull', 'github_run', 'write_allowance'])
      await db.query('', `truncate ${table}`, []);
  });

  const claim = (nowMs: number): Promise<readonly DueReport[]> =>
    openCheckBoard(db).claim({ nowMs, claimMs: 1000, limit: 10, installations: ALL });
  const whole = (nowMs: number) => ({ remoteId: 5, sentAnnotations: 0, isWhole: true, nowMs });

  it('is due once for the same word, however often it is put', async () => {
    const board = openCheckBoard(db);
    await board.put(TARGET, SPEC);
    await board.put(TARGET, SPEC);
    const [due] = await claim(0);
    expect(due).toMatchObject({ kind: 'check', isUnsure: false, remoteId: null });
    expect(await board.record(due as DueReport, whole(0))).toBe(true);
    await board.put(TARGET, SPEC);
    expect(await claim(1_000_000)).toEqual([]);
    expect(await board.isPending(10, TARGET.headSha, 'r1')).toBe(false);
  });

  it('is due again when another word was put while the first was written', async () => {
    const board = openCheckBoard(db);
    await board.put(TARGET, SPEC);
    const [due] = await claim(0);
    await board.put(TARGET, { ...SPEC, title: 'Two', status: 'completed', conclusion: 'success' });
    await board.record(due as DueReport, whole(0));
    expect(await board.isPending(10, TARGET.headSha, 'r1')).toBe(true);
    expect(await claim(1)).toMatchObject([{ remoteId: 5, isUnsure: false, spec: { title: 'Two' } }]);
  });

  it.each([
    ['waits for people', 'action_required', 0],
    ['is under way', null, 0],
    ['has ended', 'failure', 1],
  ] as const)('that %s is told anew of a shorter time: %s, %s times', async (_, conclusion, times) => {
    const board = openCheckBoard(db);
    const status = conclusion === null ? 'in_progress' : 'completed';
    const put = (title: string, version: number) => board.put(TARGET, { ...SPEC, status, conclusion, title }, version);
    await put('soak: 90 s are left', 1);
    const [due] = await claim(0);
    await board.record(due as DueReport, whole(0));
    await put('soak: 30 s are left', 2);
    expect(await claim(1_000_000)).toHaveLength(times);
  });

  it('keeps the word about the newest state of a run, whoever speaks last', async () => {
    const board = openCheckBoard(db);
    await board.put(TARGET, { ...SPEC, title: 'Newest' }, 7);
    await board.put(TARGET, { ...SPEC, title: 'Late' }, 6);
    expect(await board.standing(10, TARGET.headSha)).toMatchObject([{ spec: { title: 'Newest' } }]);
  });

  it('takes no older word either where the newest said nothing new', async () => {
    const board = openCheckBoard(db);
    await board.put({ ...TARGET, pullNumber: 7 }, { ...SPEC, title: 'End' }, 5);
    const [pull] = await board.changedPulls(10);
    await board.putComment(pull!, null, false);
    await board.put({ ...TARGET, pullNumber: 7 }, { ...SPEC, title: 'End' }, 6);
    expect(await board.changedPulls(10)).toEqual([]);
    await board.put({ ...TARGET, pullNumber: 7 }, { ...SPEC, title: 'Late' }, 5);
    expect(await board.standing(10, TARGET.headSha)).toMatchObject([{ spec: { title: 'End' } }]);
  });

  it('gives a claim to one process until it ends, and knows then that a request may have been made', async () => {
    const board = openCheckBoard(db);
    await board.put(TARGET, SPEC);
    const [first] = await claim(0);
    expect(await claim(999)).toEqual([]);
    const [second] = await claim(1000);
    expect(second).toMatchObject({ isUnsure: true });
    expect(await board.renew(first as DueReport, 9999)).toBe(false);
    expect(await board.record(first as DueReport, whole(1000))).toBe(false);
    expect(await board.record(second as DueReport, whole(1000))).toBe(true);
  });

  it('takes up what was given up when something else is to be said', async () => {
    const board = openCheckBoard(db);
    await board.put(TARGET, SPEC);
    const [due] = await claim(0);
    await board.bury(due as DueReport, { problem: '422: no', isUnsure: false });
    await board.put(TARGET, SPEC, 1);
    expect(await claim(1_000_000)).toEqual([]);
    await board.put(TARGET, { ...SPEC, title: 'Other' }, 2);
    expect(await claim(1_000_000)).toHaveLength(1);
  });

  it('claims for installations that nobody serves, or for one alone', async () => {
    const board = openCheckBoard(db);
    await board.put(TARGET, SPEC);
    await board.put({ ...TARGET, installationId: 2, repositoryId: 20 }, SPEC);
    const query = { nowMs: 0, claimMs: 1000, limit: 10 };
    expect(await board.claim({ ...query, installations: { except: [1] } })).toMatchObject([{ installationId: 2 }]);
    expect(await board.claim({ ...query, installations: { only: 2 } })).toEqual([]);
    expect(await board.claim({ ...query, installations: { only: 1 } })).toMatchObject([{ installationId: 1 }]);
  });

  it('shows a pull request as changed until its comment was thought over, also where it changes meanwhile', async () => {
    const board = openCheckBoard(db);
    await board.put({ ...TARGET, pullNumber: 7 }, SPEC);
    const [pull] = await board.changedPulls(10);
    expect(pull).toMatchObject({ pullNumber: 7, hasComment: false });
    await board.put({ ...TARGET, pullNumber: 7 }, { ...SPEC, title: 'Two' });
    await board.putComment(pull!, 'body', true);
    const [again] = await board.changedPulls(10);
    expect(again).toMatchObject({ hasComment: true });
    await board.putComment(again!, null, false);
    expect(await board.changedPulls(10)).toEqual([]);
  });

  it('keeps the comment of whoever knew the newest change, whoever is last to say it', async () => {
    const board = openCheckBoard(db);
    const place = { ...TARGET, pullNumber: 7 };
    await board.put(place, SPEC);
    const [slow] = await board.changedPulls(10);
    await board.put(place, { ...SPEC, title: 'Two' });
    const [quick] = await board.changedPulls(10);
    await board.putComment(quick as ChangedPull, 'new', true);
    await board.putComment(slow as ChangedPull, 'old', true);
    expect((await claim(0)).filter(({ kind }) => kind === 'comment')).toMatchObject([{ body: 'new' }]);
    expect(await board.changedPulls(10)).toEqual([]);
  });

  it('keeps in mind that a request may have been made, also where a later one was refused', async () => {
    const board = openCheckBoard(db);
    await board.put(TARGET, SPEC);
    await claim(0);
    const [due] = await claim(1000);
    await board.bury(due as DueReport, { problem: '422: no', isUnsure: due?.isUnsure === true });
    await board.put(TARGET, { ...SPEC, title: 'Other' }, 1);
    expect(await claim(2000)).toMatchObject([{ isUnsure: true, spec: { title: 'Other' } }]);
  });

  it('gives claims back as they were', async () => {
    const board = openCheckBoard(db);
    await board.put(TARGET, SPEC);
    await board.put(TARGET, { ...SPEC, externalId: 'r2' });
    const [first, second] = await claim(0);
    await board.record(first as DueReport, whole(0));
    await board.release([first as DueReport, second as DueReport]);
    expect(await claim(1)).toMatchObject([{ isUnsure: false, spec: { externalId: 'r2' } }]);
  });

  describe('of which only annotations are missing', () => {
    const many = { ...SPEC, status: 'completed', conclusion: 'failure' } as const;
    const part = (nowMs: number) => ({ remoteId: 5, sentAnnotations: 50, isWhole: false, nowMs });

    it('waits for every other word, and comes one at a time', async () => {
      const board = openCheckBoard(db);
      for (const externalId of ['r1/a', 'r1/b']) await board.put(TARGET, { ...many, externalId });
      for (const due of await claim(0)) await board.record(due, part(0));
      await board.put(TARGET, { ...SPEC, externalId: 'r9' });
      const [word] = await claim(1);
      expect(word).toMatchObject({ isRemainder: false, spec: { externalId: 'r9' } });
      await board.record(word as DueReport, whole(1));
      const rest = await claim(2);
      expect(rest).toMatchObject([{ isRemainder: true, isUnsure: false, spec: { externalId: 'r1/a' } }]);
      await board.record(rest[0] as DueReport, whole(2));
      expect(await claim(3)).toMatchObject([{ isRemainder: true, spec: { externalId: 'r1/b' } }]);
    });

    it('is a word again where something else is to be said, or nobody knows what was sent', async () => {
      const board = openCheckBoard(db);
      await board.put(TARGET, many);
      const [due] = await claim(0);
      await board.record(due as DueReport, part(0));
      expect(await claim(1)).toMatchObject([{ isRemainder: true }]);
      expect(await claim(1001)).toMatchObject([{ isRemainder: false, isUnsure: true }]);
      await board.put(TARGET, { ...many, conclusion: 'neutral' }, 1);
      expect(await claim(2001)).toMatchObject([{ isRemainder: false, spec: { conclusion: 'neutral' } }]);
    });
  });

  it('under way tells within seconds that it waits for people, and that it does no more', async () => {
    const board = openCheckBoard(db);
    const put = (title: string, asks: readonly string[], version: number) =>
      board.put(TARGET, { ...SPEC, title, asks }, version);
    let nowMs = 0;
    const write = async () => {
      for (const due of await claim(nowMs)) await board.record(due, whole(nowMs));
    };
    for (let version = 0; version < 8; version++) {
      await put(`step ${version}`, [], version);
      await write();
      nowMs += 4_000_000;
    }
    await put('nothing asked', [], 20);
    expect(await claim(nowMs)).toEqual([]);
    await put('asks', ['deploy'], 21);
    expect(await claim(nowMs)).toHaveLength(1);
    nowMs += 1000;
    await write();
    nowMs += 5000;
    await put('still asks', ['deploy'], 22);
    expect(await claim(nowMs)).toEqual([]);
    await put('asks no more', [], 23);
    expect(await claim(nowMs)).toMatchObject([{ spec: { title: 'asks no more' } }]);
  });

  it('is not claimed for an installation that has no writes left', async () => {
    const board = openCheckBoard(db);
    await board.put(TARGET, SPEC);
    const allowance = openWriteAllowance(db);
    await allowance.close(1, 10_000);
    expect(await claim(9999)).toEqual([]);
    await allowance.take(1, { purpose: 'report', atMost: 1000, nowMs: 10_000 });
    expect(await claim(10_000)).toEqual([]);
    const { waitMs } = await allowance.take(1, { purpose: 'report', atMost: 1, nowMs: 10_000 });
    expect(await claim(10_000 + waitMs)).toHaveLength(1);
  });

  describe('of a pull request', () => {
    const HEAD = 'b'.repeat(40);
    const pull = (pullNumber: number, headSha: string) => ({ ...TARGET, pullNumber, headSha });
    const told = async (pullNumber: number) =>
      (await openCheckBoard(db).ofPull(pull(pullNumber, HEAD))).map(({ spec }) => spec.externalId);
    const thinkOver = async () => {
      const board = openCheckBoard(db);
      const changed = await board.changedPulls(10);
      for (const one of changed) await board.putComment(one, null, false);
      return changed.map(({ pullNumber, headSha }) => [pullNumber, headSha]);
    };

    it('is of its head also where an older commit is told of last', async () => {
      const board = openCheckBoard(db);
      await board.follow(pull(7, HEAD));
      await board.put(pull(7, HEAD), { ...SPEC, externalId: 'new' });
      await board.put(pull(7, TARGET.headSha), { ...SPEC, externalId: 'old' });
      expect(await told(7)).toEqual(['new']);
    });

    it('is of the newest commit that was told of where nobody has said what its head is', async () => {
      const board = openCheckBoard(db);
      await board.put(pull(7, TARGET.headSha), SPEC);
      await board.put(pull(7, HEAD), { ...SPEC, externalId: 'newest' });
      expect(await told(7)).toEqual(['newest']);
    });

    it.each(['before', 'after'])('is there where a push started the run, the head told %s it', async (order) => {
      const board = openCheckBoard(db);
      if (order === 'before') await board.follow(pull(7, HEAD));
      await thinkOver();
      await board.put({ ...TARGET, headSha: HEAD }, { ...SPEC, externalId: 'pushed' });
      if (order === 'after') await board.follow(pull(7, HEAD));
      expect(await thinkOver()).toEqual([[7, HEAD]]);
      expect(await told(7)).toEqual(['pushed']);
      await board.put({ ...TARGET, headSha: HEAD }, { ...SPEC, externalId: 'pushed', title: 'Two' }, 1);
      expect(await thinkOver()).toEqual([[7, HEAD]]);
    });

    it('is not that of another pull request with the same head, and a push tells both', async () => {
      const board = openCheckBoard(db);
      for (const number of [7, 8]) {
        await board.follow(pull(number, HEAD));
        await board.put(pull(number, HEAD), { ...SPEC, externalId: `of ${number}` });
      }
      await board.put({ ...TARGET, headSha: HEAD }, { ...SPEC, externalId: 'of both' });
      await board.put({ ...TARGET, headSha: HEAD, repositoryId: 99 }, { ...SPEC, externalId: 'elsewhere' });
      expect(await told(7)).toEqual(['of 7', 'of both']);
      expect(await told(8)).toEqual(['of 8', 'of both']);
    });

    it('follows the last word about the head', async () => {
      const board = openCheckBoard(db);
      await board.put(pull(7, HEAD), { ...SPEC, externalId: 'new' });
      await board.put(pull(7, TARGET.headSha), { ...SPEC, externalId: 'forced back' });
      await board.follow(pull(7, HEAD));
      await board.follow(pull(7, TARGET.headSha));
      expect(await told(7)).toEqual(['forced back']);
    });
  });

  it('lists open runs in the order in which they were added, page by page, until they are closed', async () => {
    const runs = openGitHubRuns(db);
    const { installationId, repositoryId, owner, repo, headSha } = TARGET;
    for (const runId of ['b', 'a', 'c'])
      await runs.add(
        githubRun({ runId, installationId, repositoryId, owner, repo, headSha, pullNumber: 7, isFork: true }),
      );
    const ids = (list: readonly { readonly runId: string }[]) => list.map((one) => one.runId);
    expect(ids(await runs.open(2))).toEqual(['b', 'a']);
    expect(ids(await runs.open(2, 'a'))).toEqual(['c']);
    await runs.close('a');
    expect(ids(await runs.open(9))).toEqual(['b', 'c']);
    expect(ids(await runs.ofCommit(10, headSha))).toEqual(['c', 'a', 'b']);
    expect(ids(await runs.ofPull(10, 7))).toEqual(['c', 'a', 'b']);
    expect(await runs.find('a')).toMatchObject({ isFork: true, pullNumber: 7 });
    expect(await runs.find('x')).toBeUndefined();
  });
}

describe('the check board, embedded', () => {
  suite(undefined);
});
describeWith('postgres', 'the check board, on Postgres', suite);
