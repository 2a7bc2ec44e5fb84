import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { WritePurpose } from '../../../src/protocol/write-allowance.ts';
import type { Database } from '../../../src/store/database.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { openWriteAllowance } from '../../../src/store/write-allowance.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';

const MINUTE_MS = 60_000;

onEveryDatabase('the writes of an installation', (url) => {
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
  beforeEach(() => db.query('', 'truncate write_allowance', []));

  const take = (installationId: number, atMost: number, nowMs: number, purpose: WritePurpose = 'report') =>
    openWriteAllowance(db).take(installationId, { purpose, atMost, nowMs });

  it('are never more than GitHub allows, in any minute and any hour, whatever they are for', async () => {
    const asks = fc.array(
      fc.record({
        purpose: fc.constantFrom<WritePurpose>('answer', 'report', 'remainder'),
        atMost: fc.integer({ min: 1, max: 20 }),
        pauseMs: fc.integer({ min: 0, max: 20_000 }),
      }),
      { minLength: 300, maxLength: 400 },
    );
    let installationId = 0;
    await fc.assert(
      fc.asyncProperty(asks, async (sequence) => {
        installationId++;
        const taken: number[] = [];
        let nowMs = 0;
        for (const { purpose, atMost, pauseMs } of sequence) {
          nowMs += pauseMs % 7 === 0 ? pauseMs : pauseMs % 50;
          const grant = await take(installationId, atMost, nowMs, purpose);
          expect(grant.taken > 0).toBe(grant.waitMs === 0);
          expect(grant.taken).toBeLessThanOrEqual(atMost);
          for (let i = 0; i < grant.taken; i++) taken.push(nowMs);
          nowMs += grant.waitMs;
        }
        const most = (spanMs: number): number =>
          Math.max(...taken.map((end) => taken.filter((one) => one > end - spanMs && one <= end).length));
        expect(most(MINUTE_MS)).toBeLessThan(80);
        expect(most(60 * MINUTE_MS)).toBeLessThan(500);
      }),
      { numRuns: 3 },
    );
  });

  it('are shared by processes that take at the same moment, and by the next life of one', async () => {
    const grants = await Promise.all(Array.from({ length: 30 }, () => take(1, 20, 0)));
    const sum = grants.reduce((total, { taken }) => total + taken, 0);
    expect(sum).toBe(25);
    expect((await take(1, 20, 0)).taken).toBe(0);
    expect((await take(2, 20, 0)).taken).toBe(20);
  });

  it('come again after the time that was said, and not before', async () => {
    await take(1, 1000, 0);
    const { waitMs } = await take(1, 1, 0);
    expect((await take(1, 1, waitMs - 1)).taken).toBe(0);
    expect((await take(1, 1, waitMs)).taken).toBe(1);
  });

  it('are left for answers by reports, and by annotations for reports', async () => {
    await take(1, 1000, 0, 'remainder');
    expect((await take(1, 1000, 0, 'report')).taken).toBe(2);
    expect((await take(1, 1000, 0, 'answer')).taken).toBe(10);
    expect((await take(1, 1, 0, 'answer')).taken).toBe(0);
  });

  it('that were not used are there again', async () => {
    await take(1, 1000, 0);
    await openWriteAllowance(db).giveBack(1, 7);
    expect((await take(1, 1000, 0)).taken).toBe(7);
    await openWriteAllowance(db).giveBack(1, 1000);
    expect((await take(1, 1000, 0)).taken).toBe(25);
  });

  it('end for all purposes until the time that GitHub named, also where an earlier one is named later', async () => {
    const allowance = openWriteAllowance(db);
    await allowance.close(1, 30_000);
    await allowance.close(1, 20_000);
    expect(await take(1, 1, 29_000, 'answer')).toEqual({ taken: 0, waitMs: 1000 });
    expect((await take(1, 1, 30_000, 'answer')).taken).toBe(1);
  });

  it('rest for reports while GitHub does not answer, and not for the answers that people wait for', async () => {
    await openWriteAllowance(db).rest(1, 30_000);
    expect(await take(1, 1, 29_000)).toEqual({ taken: 0, waitMs: 1000 });
    expect((await take(1, 1, 29_000, 'answer')).taken).toBe(1);
    expect((await take(1, 1, 30_000)).taken).toBe(1);
  });
});
