import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { CheckTarget } from '../../../src/protocol/check.ts';
import type { ReleaseSpec } from '../../../src/protocol/release-board.ts';
import type { DueReport } from '../../../src/protocol/report-book.ts';
import { openCheckBoard } from '../../../src/store/check-board.ts';
import type { Database } from '../../../src/store/database.ts';
import { openGitHubRuns } from '../../../src/store/github-runs.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { openReleaseBoard } from '../../../src/store/release-board.ts';
import { openWriteAllowance } from '../../../src/store/write-allowance.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { placeOf } from '../github/report/views.ts';

const target = (letter: string): CheckTarget => ({
  installationId: 1,
  repositoryId: 10,
  owner: 'octo',
  repo: 'app',
  headSha: letter.repeat(40),
});
const spec = (runId: string): ReleaseSpec => ({
  externalId: `${runId}/release/page`,
  runId,
  checkName: 'maestro / release',
  tag: 'v1',
  isGiven: false,
  title: 'v1',
  notes: '',
  isPrerelease: false,
  isKeptDraft: false,
  gate: { isPassed: true, reasons: [], papers: [] },
  assets: [],
});

onEveryDatabase('the board of releases', (url) => {
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
    for (const table of ['report', 'write_allowance', 'github_run']) await db.query('', `truncate ${table}`, []);
  });

  const claim = async (nowMs: number): Promise<readonly DueReport[]> =>
    openCheckBoard(db).claim({ nowMs, claimMs: 1000, limit: 10, lane: 'releases', installations: { except: [] } });
  /** A run whose page is being written when a newer one takes its place; then that one is done. */
  const replaced = async (): Promise<DueReport> => {
    const board = openReleaseBoard(db);
    await board.putRelease(target('a'), spec('r1'), 1);
    const [due] = await claim(0);
    await board.putRelease(target('b'), spec('r2'), 1);
    const [next] = await claim(1);
    expect(next).toMatchObject({ spec: { runId: 'r2' } });
    const written = { remoteId: 5, sentAnnotations: 0, isWhole: true, nowMs: 1 };
    await openCheckBoard(db).record(next as DueReport, written);
    return due as DueReport;
  };

  it('tells a run that was replaced while it writes that its claim is lost', async () => {
    const due = await replaced();
    expect(await openCheckBoard(db).renew(due, 5000)).toBe(false);
  });

  it.each([
    ['wrote a part', { isWhole: false }],
    ['wrote the whole', { isWhole: true, isSettled: true }],
  ])('never has a run write again that was replaced while it %s', async (_what, part) => {
    const due = await replaced();
    await openCheckBoard(db).record(due, { remoteId: 5, sentAnnotations: 0, nowMs: 2, ...part });
    expect(await claim(1_000_000)).toEqual([]);
  });

  it('never has a run write again whose last call was refused when it was replaced', async () => {
    const board = openReleaseBoard(db);
    await board.putRelease(target('a'), spec('r1'), 1);
    const [due] = await claim(0);
    await board.putRelease(target('a'), { ...spec('r1'), notes: 'more' }, 2);
    await board.putRelease(target('b'), spec('r2'), 1);
    await openCheckBoard(db).bury(due as DueReport, { problem: 'no', isUnsure: false });
    expect(await claim(1_000_000)).toMatchObject([{ spec: { runId: 'r2' } }]);
  });

  it.each([
    ['a page that is being filled', false, 1],
    ['no page that was whole already', true, 0],
  ])('has %s looked at while writes are few', async (_what, isSettled, count) => {
    await openReleaseBoard(db).putRelease(target('a'), spec('r1'), 1);
    const [due] = await claim(0);
    const written = { remoteId: 5, sentAnnotations: 0, isWhole: true, nowMs: 0, isSettled };
    await openCheckBoard(db).record(due as DueReport, written);
    await openReleaseBoard(db).lookAgain(10, 5);
    await openWriteAllowance(db).take(1, { purpose: 'answer', atMost: 25, nowMs: 1 });
    expect(await claim(1)).toHaveLength(count);
    expect(await claim(3_600_000)).toHaveLength(1);
  });

  /** A page whose run has ended, and was told, and whose gate was not judged. */
  const waiting = async (runId: string): Promise<void> => {
    await openReleaseBoard(db).putRelease(target('a'), { ...spec(runId), tag: runId, gate: null }, 1);
    await db.query('', `update report set is_due = false where name = $1`, [runId]);
    await openGitHubRuns(db).add(placeOf(runId, { headSha: 'a'.repeat(40), repositoryId: 10 }));
    await openGitHubRuns(db).close(runId);
  };
  const tried = async (nowMs: number, triesMax = 100): Promise<readonly string[]> => {
    const pages = await openReleaseBoard(db).unjudged({ nowMs, limit: 2, triesMax });
    return pages.map(({ spec: { runId } }) => runId).toSorted();
  };

  it('has everybody judged in turn, however many come to no verdict', async () => {
    for (const runId of ['t1', 't2', 't3', 't4', 't5']) await waiting(runId);
    expect([await tried(0), await tried(1), await tried(2), await tried(3)]).toEqual([
      ['t1', 't2'],
      ['t3', 't4'],
      ['t5'],
      [],
    ]);
    expect(await tried(60_000)).toEqual(['t1', 't2']);
    await waiting('t6');
    expect(await tried(60_001)).toEqual(['t3', 't6']);
  });

  it('tries each again after a pause that grows, as often as is wanted', async () => {
    await waiting('t1');
    const minutes: number[] = [];
    for (let minute = 0; minute < 200; minute++) if ((await tried(minute * 60_000, 9)).length > 0) minutes.push(minute);
    expect(minutes).toEqual([0, 1, 3, 7, 15, 31, 63, 95, 127]);
  });

  it('has no page judged of a run that goes on, or whose page is being written', async () => {
    await openReleaseBoard(db).putRelease(target('a'), { ...spec('t1'), gate: null }, 1);
    await openGitHubRuns(db).add(placeOf('t1', { headSha: 'a'.repeat(40), repositoryId: 10 }));
    await db.query('', 'update report set is_due = false', []);
    expect(await tried(0)).toEqual([]);
    await openGitHubRuns(db).close('t1');
    await openReleaseBoard(db).putRelease(target('a'), { ...spec('t1'), gate: null, notes: 'x' }, 2);
    expect(await tried(0)).toEqual([]);
  });
});
