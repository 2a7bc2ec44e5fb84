import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCheckBoard } from '../../../src/store/check-board.ts';
import { openClaimant } from '../../../src/store/claimants.ts';
import { openCommandRecords } from '../../../src/store/command-records.ts';
import type { Database } from '../../../src/store/database.ts';
import { openDispatches } from '../../../src/store/dispatches.ts';
import { openInbox } from '../../../src/store/inbox.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { itEmbedded } from '../../every-database.ts';
import { checkSpec } from '../../fakes/checks.ts';
import { openTestEngine } from '../../fakes/engine.ts';
import { NO_QUOTAS } from '../../fakes/job-quotas.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';

const HOUR_MS = 3_600_000;
const TARGET = { installationId: 1, repositoryId: 2, owner: 'o', repo: 'r', headSha: 'a'.repeat(40), pullNumber: null };
const SPEC = checkSpec({ externalId: 'run', title: 'at work' });

function suite(url: string | undefined): void {
  let fresh: FreshDatabase;
  let db: Database;
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    db = await fresh.open();
    await migrate(db);
  });
  beforeEach(async () => {
    for (const table of ['claimant', 'delivery', 'report', 'dispatch', 'command_request'])
      await db.query('', `delete from ${table}`, []);
  });
  afterAll(async () => {
    await db.close();
    await fresh.drop();
  });

  const rooms = (holder: string) => ({
    inbox: openInbox(db, holder),
    board: openCheckBoard(db, holder),
    dispatches: openDispatches(db, { now: Date.now }, holder),
    records: openCommandRecords(db),
  });

  /** Claims one of each. Answers how many it got. */
  async function claimAll(holder: string): Promise<number> {
    const { inbox, board, dispatches, records } = rooms(holder);
    const claims = [
      (await inbox.claim(10, HOUR_MS)).length,
      (await board.claim({ nowMs: Date.now(), claimMs: HOUR_MS, limit: 10, installations: { except: [] } })).length,
      (await dispatches.claimDue(10, HOUR_MS)).length,
      (await records.claim('issue-comment/1', `${holder} call`, HOUR_MS)).status === 'mine' ? 1 : 0,
    ];
    return claims.reduce((total, count) => total + count, 0);
  }

  async function put(): Promise<void> {
    const { inbox, board, dispatches } = rooms('anybody');
    await inbox.accept({ id: 'g', lane: 'l', event: 'push', action: null, installationId: 1, payload: {} });
    await board.put(TARGET, SPEC);
    const engine = await openTestEngine(db);
    const { run } = await engine.startRun({ plan: planOf([planStep('a')]), trigger: TRIGGER, isDedicated: true });
    const { id: runId } = await engine.readRun(run);
    await engine.close();
    const { headSha: _sha, pullNumber: _pull, ...place } = TARGET;
    const request = { dispatchId: 'd', runId, class: 'c', ordinal: 1, labels: ['x'], ...place, ref: 'main' };
    await dispatches.request(request, NO_QUOTAS);
  }

  const passed = async (id: string, seconds: number): Promise<void> => {
    await db.query('', `update claimant set beat_at = beat_at - $2::float8 * interval '1 second' where id = $1`, [
      id,
      seconds,
    ]);
  };

  it('ends the claims of a process that beats no more, and no sooner', async () => {
    await put();
    const [dead, living] = [openClaimant(db, 'dead'), openClaimant(db, 'living')];
    await dead.begin();
    expect(await claimAll(dead.id)).toBe(4);
    await living.beat();
    await passed('dead', 9);
    expect(await living.beat()).toEqual([]);
    expect(await claimAll(living.id)).toBe(0);
    await passed('dead', 2);
    expect(await living.beat()).toEqual(['dead']);
    expect(await claimAll(living.id)).toBe(4);
  });

  it('does not judge after a gap of its own, when the database was away for all', async () => {
    await put();
    const [other, living] = [openClaimant(db, 'other'), openClaimant(db, 'living')];
    await other.begin();
    expect(await claimAll(other.id)).toBe(4);
    await living.beat();
    for (const id of ['other', 'living']) await passed(id, 60);
    expect(await living.beat()).toEqual([]);
    await other.beat();
    expect(await living.beat()).toEqual([]);
    expect(await claimAll(living.id)).toBe(0);
  });

  it('ends its own claims when it leaves', async () => {
    await put();
    const leaving = openClaimant(db, 'leaving');
    await leaving.begin();
    expect(await claimAll(leaving.id)).toBe(4);
    await leaving.leave();
    expect(await claimAll('next')).toBe(4);
  });

  it('leaves GitHub a minute to show what came of a call that its holder died in', async () => {
    await put();
    const dead = openClaimant(db, 'dead');
    await dead.begin();
    const [due] = await rooms('dead').dispatches.claimDue(1, HOUR_MS);
    await rooms('dead').dispatches.calling('d', due?.fence ?? 0, HOUR_MS);
    await dead.leave();
    const later = (ms: number) => openDispatches(db, { now: () => Date.now() + ms }, 'next').claimDue(1, HOUR_MS);
    expect(await later(30_000)).toEqual([]);
    expect(await later(61_000)).toMatchObject([{ dispatchId: 'd', isUncertain: true }]);
  });

  it('does not hurry what its holder laid aside or finished', async () => {
    await put();
    const { inbox, board, dispatches, records } = rooms('dead');
    const dead = openClaimant(db, 'dead');
    await dead.begin();
    const [delivery] = await inbox.claim(1, HOUR_MS);
    if (delivery) await inbox.retry(delivery, 'GitHub is away', HOUR_MS);
    const nowMs = Date.now();
    const [due] = await board.claim({ nowMs, claimMs: HOUR_MS, limit: 1, installations: { except: [] } });
    if (due) await board.defer(due, { dueMs: nowMs + 2 * HOUR_MS, problem: null, isUnsure: false });
    await dispatches.claimDue(1, HOUR_MS);
    await dispatches.later('d', 2 * HOUR_MS);
    await records.claim('issue-comment/1', 'dead call', HOUR_MS);
    await records.close('issue-comment/1');
    await dead.leave();
    expect(await claimAll('next')).toBe(0);
  });

  itEmbedded(url, 'ends at once what an earlier process held of an embedded database', async () => {
    await put();
    await openClaimant(db, 'dead').begin();
    expect(await claimAll('dead')).toBe(4);
    const next = openClaimant(db, 'next');
    await next.begin();
    expect(await claimAll(next.id)).toBe(4);
  });
}

describe('claims of processes in the embedded database', () => {
  suite(undefined);
});
describeWith('postgres', 'claims of processes on a server', suite);
