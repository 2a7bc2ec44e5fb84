import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Inbox, NewDelivery } from '../../../src/protocol/inbox.ts';
import type { Database } from '../../../src/store/database.ts';
import { openInbox } from '../../../src/store/inbox.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { type FreshDatabase, freshDatabase } from '../../fresh-database.ts';
import { describeWith } from '../../real-parts.ts';

const HOLD_MS = 60_000;
let count = 0;

function delivery(lane: string, change: Partial<NewDelivery> = {}): NewDelivery {
  return { id: `guid-${++count}`, lane, event: 'push', action: null, installationId: 1, payload: {}, ...change };
}

function suite(url: string | undefined): void {
  let fresh: FreshDatabase;
  let db: Database;
  let inbox: Inbox;
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    db = await fresh.open();
    await migrate(db);
    inbox = openInbox(db);
  });
  beforeEach(async () => {
    await db.query('', 'delete from delivery', []);
    await db.query('', 'delete from redelivery', []);
  });
  afterAll(async () => {
    await db.close();
    await fresh.drop();
  });

  async function accepted(...lanes: readonly string[]): Promise<readonly string[]> {
    const ids: string[] = [];
    for (const lane of lanes) {
      const one = delivery(lane);
      await inbox.accept(one);
      ids.push(one.id);
    }
    return ids;
  }

  it('stores a delivery once, however often it comes', async () => {
    const one = delivery('1/pr/7');
    expect(await inbox.accept(one)).toBe('stored');
    expect(await inbox.accept({ ...one, lane: 'other', payload: { changed: true } })).toBe('known');
    const [claimed] = await inbox.claim(10, HOLD_MS);
    await inbox.finish(claimed!, 'done');
    expect(await inbox.accept(one)).toBe('known');
    expect(await inbox.claim(10, HOLD_MS)).toEqual([]);
  });

  it('keeps a payload as it came, with NUL and half a surrogate pair', async () => {
    const payload: JsonObject = { text: 'a\u0000b \ud800 \\u0000 "', deep: { list: [1, null, true] } };
    await inbox.accept(delivery('1/pr/1', { payload, action: 'a\u0000b' }));
    const [claimed] = await inbox.claim(1, HOLD_MS);
    expect(claimed?.payload).toEqual(payload);
  });

  it('gives the oldest of each lane, and the next of a lane only when that one has ended', async () => {
    const [a1, a2, b1] = await accepted('1/pr/1', '1/pr/1', '1/pr/2');
    const first = await inbox.claim(10, HOLD_MS);
    expect(first.map(({ id }) => id)).toEqual([a1, b1]);
    expect(await inbox.claim(10, HOLD_MS)).toEqual([]);
    await inbox.finish(first[0]!, 'started a run');
    expect((await inbox.claim(10, HOLD_MS)).map(({ id }) => id)).toEqual([a2]);
    expect(await inbox.find(a1!)).toMatchObject({ state: 'done', note: 'started a run', tries: 1 });
  });

  it('lets a quiet repository pass one with thousands of deliveries', async () => {
    for (let i = 0; i < 40; i++) await inbox.accept(delivery(`1/pr/${i}`));
    expect(await inbox.claim(4, HOLD_MS)).toHaveLength(4);
    const [quiet] = await accepted('2/pr/1');
    expect((await inbox.claim(1, HOLD_MS)).map(({ id }) => id)).toEqual([quiet]);
    expect((await inbox.claim(1, HOLD_MS)).map(({ lane }) => lane)).toEqual(['1/pr/4']);
  });

  it('gives a delivery again when its claim has expired, and refuses the word of the one who lost it', async () => {
    const [id] = await accepted('1/pr/1');
    const [lost] = await inbox.claim(1, 0);
    const [again] = await inbox.claim(1, HOLD_MS);
    expect(again).toMatchObject({ id, tries: 2 });
    expect(await inbox.finish(lost!, 'late')).toBe(false);
    expect(await inbox.retry(lost!, 'late', 0)).toBe(false);
    expect(await inbox.bury(lost!, 'late')).toBe(false);
    expect(await inbox.finish(again!, 'in time')).toBe(true);
    expect(await inbox.find(id!)).toMatchObject({ state: 'done', note: 'in time' });
  });

  it('holds a lane back while its oldest waits for its next try, and no other lane', async () => {
    const [failing] = await accepted('1/pr/1', '1/pr/1', '1/pr/2');
    const [claimed] = await inbox.claim(1, HOLD_MS);
    expect(claimed?.id).toBe(failing);
    await inbox.retry(claimed!, 'GitHub said 502', 60_000);
    expect((await inbox.claim(10, HOLD_MS)).map(({ lane }) => lane)).toEqual(['1/pr/2']);
    expect(await inbox.find(failing!)).toMatchObject({ state: 'waiting', note: 'GitHub said 502' });
  });

  it('keeps what was given up in sight, and lets its lane go on', async () => {
    const [bad, next] = await accepted('1/pr/1', '1/pr/1');
    const [claimed] = await inbox.claim(1, HOLD_MS);
    await inbox.bury(claimed!, `no such repository ${'x'.repeat(5000)}\u0000`);
    expect((await inbox.claim(10, HOLD_MS)).map(({ id }) => id)).toEqual([next]);
    expect((await inbox.find(bad!))?.state).toBe('buried');
    expect(await inbox.counts()).toMatchObject({ waiting: 0, working: 1, buried: 1 });
  });

  it('never gives one delivery, or two of one lane, to two who ask at once', async () => {
    for (let i = 0; i < 30; i++) await accepted(`${i % 3}/pr/${i % 10}`);
    const second = openInbox(db);
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => (n % 2 ? inbox : second).claim(4, HOLD_MS)));
    const lanes = answers.flat().map(({ lane }) => lane);
    expect(new Set(lanes).size).toBe(lanes.length);
    expect(lanes.length).toBeGreaterThanOrEqual(4);
  });

  it('keeps the order of a lane that deliveries enter and leave at the same time', async () => {
    const seen: number[] = [];
    let next = 0;
    const enter = async (): Promise<void> => {
      while (next < 60) await inbox.accept(delivery('1/pr/1', { payload: { n: next++ } }));
    };
    const leave = async (): Promise<void> => {
      while (seen.length < 60) {
        for (const claimed of await inbox.claim(4, HOLD_MS)) {
          seen.push(Number(claimed.payload['n']));
          await inbox.finish(claimed, '');
        }
      }
    };
    await Promise.all([enter(), leave(), leave()]);
    expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => n));
  });

  it('forgets what ended before a time, and nothing that is open', async () => {
    const [done, open] = await accepted('1/pr/1', '1/pr/2');
    const [claimed] = await inbox.claim(1, HOLD_MS);
    await inbox.finish(claimed!, '');
    expect(await inbox.prune(new Date(0))).toBe(0);
    expect(await inbox.prune(new Date(Date.now() + 60_000))).toBe(1);
    expect(await inbox.missing([done!, open!])).toEqual([done]);
  });

  it('counts requests to send again, and spaces them', async () => {
    expect(await inbox.noteRedelivery('g', 2, 0)).toBe(true);
    expect(await inbox.noteRedelivery('g', 2, 60_000)).toBe(false);
    expect(await inbox.noteRedelivery('g', 2, 0)).toBe(true);
    expect(await inbox.noteRedelivery('g', 2, 0)).toBe(false);
  });

  it('tells which of many may be asked for again, as it would answer for each', async () => {
    for (const id of ['often', 'often', 'once']) await inbox.noteRedelivery(id, 9, 0);
    expect(await inbox.askable(['new', 'often', 'once', 'other'], 9, 2, 0)).toEqual(['new', 'once', 'other']);
    expect(await inbox.askable(['new', 'often', 'once', 'other'], 9, 2, 60_000)).toEqual(['new', 'other']);
    expect(await inbox.askable(['once', 'often', 'new'], 2, 9, 0)).toEqual(['once', 'often']);
  });

  it('tells of news, also to another process', async () => {
    const other = url === undefined ? inbox : openInbox(db);
    const heard = Promise.withResolvers<void>();
    const end = await other.onNews(() => heard.resolve());
    await accepted('1/pr/1');
    await expect(heard.promise).resolves.toBeUndefined();
    await end();
  });
}

describe('the inbox', () => {
  suite(undefined);
});
describeWith('postgres', 'the inbox on a server', suite);
