import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { CheckTarget } from '../../../src/protocol/check.ts';
import type { ReleaseSpec } from '../../../src/protocol/release-board.ts';
import type { DueReport } from '../../../src/protocol/report-book.ts';
import { openCheckBoard } from '../../../src/store/check-board.ts';
import type { Database } from '../../../src/store/database.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { openReleaseBoard } from '../../../src/store/release-board.ts';
import { openWriteAllowance } from '../../../src/store/write-allowance.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';

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
    for (const table of ['report', 'write_allowance']) await db.query('', `truncate ${table}`, []);
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
});
