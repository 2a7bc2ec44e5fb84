import { createRequire } from 'node:module';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MaestroError } from '../../../../src/base/errors.ts';
import type { Delivery, DeliveryHandler } from '../../../../src/github/delivery-handler.ts';
import { InboxLoop, type InboxLoopOptions } from '../../../../src/github/intake/inbox-loop.ts';
import { openReceiver, type Receive } from '../../../../src/github/intake/receive.ts';
import type { Inbox } from '../../../../src/protocol/inbox.ts';
import type { Database } from '../../../../src/store/database.ts';
import { openInbox } from '../../../../src/store/inbox.ts';
import { migrate } from '../../../../src/store/migrate.ts';
import { onEveryDatabase } from '../../../every-database.ts';
import { type FreshDatabase, freshDatabase } from '../../../fresh-database.ts';

const EXAMPLES = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly {
  readonly name: string;
  readonly examples: readonly object[];
}[];

onEveryDatabase('the inbox loop', (url) => {
  let fresh: FreshDatabase;
  let db: Database;
  let inbox: Inbox;
  let receive: Receive;
  const loops: InboxLoop[] = [];
  beforeAll(async () => {
    fresh = await freshDatabase(url);
    db = await fresh.open();
    await migrate(db);
    inbox = openInbox(db);
    receive = openReceiver(inbox);
  });
  beforeEach(async () => {
    for (const loop of loops.splice(0)) await loop.stop(1000);
    await db.query('', 'delete from delivery', []);
  });
  afterAll(async () => {
    for (const loop of loops) await loop.stop(1000);
    await db.close();
    await fresh.drop();
  });

  function loopOf(
    handlers: Readonly<Record<string, DeliveryHandler>>,
    change: Partial<InboxLoopOptions> = {},
  ): InboxLoop {
    const loop = new InboxLoop({ inbox, handlers, onError: () => {}, onBuried: () => {}, ...change });
    loops.push(loop);
    return loop;
  }

  const pull = (number: number): object => ({ action: 'opened', repository: { id: 1 }, pull_request: { number } });

  it("takes all of GitHub's own examples three times and handles each once", { timeout: 120_000 }, async () => {
    const all = EXAMPLES.flatMap(({ name, examples }) => examples.map((payload) => ({ event: name, payload })));
    expect(all).toHaveLength(329);
    const seen: string[] = [];
    const record: DeliveryHandler = async ({ id }) => {
      seen.push(id);
      return 'seen';
    };
    const loop = loopOf(Object.fromEntries(EXAMPLES.map(({ name }) => [name, record])));
    const answers: string[] = [];
    for (let round = 0; round < 3; round++) {
      for (const [i, { event, payload }] of all.entries())
        answers.push(await receive({ id: `g-${i}`, event, payload }));
      await loop.drain();
    }
    expect(answers.filter((answer) => answer === 'stored')).toHaveLength(329);
    expect(new Set(seen).size).toBe(329);
    expect(seen).toHaveLength(329);
    expect(await inbox.counts()).toMatchObject({ waiting: 0, working: 0, buried: 0 });
  });

  it('gives up a delivery that ends every process which takes it up', async () => {
    for (const id of ['poison', 'next']) await receive({ id, event: 'pull_request', payload: pull(1) });
    for (let died = 0; died < 3; died++) await inbox.claim(1, 0);
    const handled: string[] = [];
    const errors: unknown[] = [];
    const handler: DeliveryHandler = async ({ id }) => {
      handled.push(id);
      return 'handled';
    };
    await loopOf({ pull_request: handler }, { triesMax: 3, onBuried: (error) => errors.push(error) }).drain();
    expect(handled).toEqual(['next']);
    expect(await inbox.find('poison')).toMatchObject({ state: 'buried', tries: 4 });
    expect(errors).toMatchObject([{ code: 'INTERNAL' }]);
  });

  it('handles a lane in order and lanes side by side', async () => {
    for (let i = 0; i < 6; i++) await receive({ id: `o-${i}`, event: 'pull_request', payload: pull(i % 2) });
    const order: string[] = [];
    const inWork = new Set<string>();
    let together = 0;
    const loop = loopOf({
      pull_request: async ({ id }) => {
        inWork.add(id);
        together = Math.max(together, inWork.size);
        order.push(id);
        await new Promise(setImmediate);
        inWork.delete(id);
        return '';
      },
    });
    await loop.drain();
    expect(order.filter((id) => Number(id.slice(2)) % 2 === 0)).toEqual(['o-0', 'o-2', 'o-4']);
    expect(order.filter((id) => Number(id.slice(2)) % 2 === 1)).toEqual(['o-1', 'o-3', 'o-5']);
    expect(together).toBe(2);
  });

  it('wakes for a new delivery, and two loops on one database share the work without doing it twice', async () => {
    const seen: string[] = [];
    const done = Promise.withResolvers<void>();
    const handlers = {
      pull_request: async ({ id }: Delivery) => {
        seen.push(id);
        if (seen.length === 40) done.resolve();
        return '';
      },
    };
    for (let i = 0; i < 2; i++) await loopOf(handlers, { concurrency: 3, pollMs: 60_000 }).start();
    for (let i = 0; i < 40; i++) await receive({ id: `w-${i}`, event: 'pull_request', payload: pull(i % 20) });
    await done.promise;
    for (const loop of loops) await loop.stop(5000);
    expect(new Set(seen).size).toBe(40);
    expect(seen).toHaveLength(40);
    expect(await inbox.counts()).toMatchObject({ waiting: 0, working: 0 });
  });

  it('runs a handler again that was killed between its effect and its word', async () => {
    await receive({ id: 'k', event: 'push', payload: {} });
    // What a process leaves behind that dies here: a claim that expires.
    expect(await inbox.claim(1, 0)).toHaveLength(1);
    const seen: string[] = [];
    await loopOf({
      push: async ({ id }) => {
        seen.push(id);
        return 'again';
      },
    }).drain();
    expect(seen).toEqual(['k']);
    expect(await inbox.find('k')).toMatchObject({ state: 'done', tries: 2, note: 'again' });
  });

  it.each([
    ['a fault of the network', new MaestroError('NETWORK_FAILED', 'down'), 'waiting'],
    ['a server that says 502', Object.assign(new Error('Bad gateway'), { status: 502 }), 'waiting'],
    [
      'a secondary limit',
      Object.assign(new Error('You have exceeded a secondary rate limit'), { status: 403 }),
      'waiting',
    ],
    ['a token that is not taken', Object.assign(new Error('Bad credentials'), { status: 401 }), 'waiting'],
    [
      'a suspension of the App',
      Object.assign(new Error('This installation has been suspended'), { status: 403 }),
      'waiting',
    ],
    [
      'a right that the App does not have',
      Object.assign(new Error('Resource not accessible by integration'), { status: 403 }),
      'buried',
    ],
    ['fetch that failed', new TypeError('fetch failed', { cause: new Error('ECONNRESET') }), 'waiting'],
    ['a repository that is gone', Object.assign(new Error('Not Found'), { status: 404 }), 'buried'],
    ['a pipeline that is wrong', new MaestroError('PIPELINE_INVALID', 'x'), 'buried'],
    ['a mistake in our code', new TypeError('x is not a function'), 'buried'],
  ] as const)('after %s it is tried again, or given up where that is of no use', async (_name, error, state) => {
    await receive({ id: 'f', event: 'push', payload: {} });
    const heard: unknown[] = [];
    const onError = (failure: unknown): number => heard.push(['waiting', failure]);
    const onBuried = (failure: unknown, { id, event }: Delivery): number =>
      heard.push(['buried', failure, { id, event }]);
    await loopOf({ push: () => Promise.reject(error) }, { onError, onBuried }).drain();
    // Who looks after the server hears once, and of what.
    expect(heard).toEqual([state === 'buried' ? ['buried', error, { id: 'f', event: 'push' }] : ['waiting', error]]);
    expect(await inbox.find('f')).toMatchObject({ state, note: error.message });
  });

  it('has done with a delivery whose installation is gone, once that is certain, and alarms nobody', async () => {
    await receive({ id: 'g', event: 'push', payload: {} });
    const url = 'https://api.github.com/app/installations/7/access_tokens';
    const gone = Object.assign(new Error('Not Found'), { status: 404, request: { method: 'POST', url } });
    const buried: unknown[] = [];
    const loop = loopOf({ push: () => Promise.reject(gone) }, { onBuried: (error) => buried.push(error) });
    for (let tries = 1; tries < 3; tries++) {
      await loop.drain();
      // A new installation is not known everywhere in its first seconds.
      expect(await inbox.find('g')).toMatchObject({ state: 'waiting', tries });
      await db.query('', 'update delivery set due_at = now()', []);
    }
    await loop.drain();
    const note = 'nothing to do: the App is not installed there any more';
    expect(await inbox.find('g')).toMatchObject({ state: 'done', tries: 3, note });
    expect(buried).toEqual([]);
  });

  it('gives a delivery up after its last try', async () => {
    await receive({ id: 'l', event: 'push', payload: {} });
    const handler = { push: () => Promise.reject(new MaestroError('NETWORK_FAILED', 'down')) };
    const loop = loopOf(handler, { triesMax: 2 });
    await loop.drain();
    expect(await inbox.find('l')).toMatchObject({ state: 'waiting', tries: 1 });
    await db.query('', 'update delivery set due_at = now()', []);
    await loop.drain();
    expect(await inbox.find('l')).toMatchObject({ state: 'buried', tries: 2 });
  });

  it('tries a handler again that hangs, and does not wait for it', async () => {
    await receive({ id: 'h', event: 'push', payload: {} });
    await loopOf({ push: () => new Promise(() => {}) }, { timeoutMs: 20 }).drain();
    expect(await inbox.find('h')).toMatchObject({ state: 'waiting', tries: 1 });
  });

  it('finishes what nothing handles, also events named as a property of every object', async () => {
    await receive({ id: 'u', event: 'constructor', payload: {} });
    await loopOf({}).drain();
    expect(await inbox.find('u')).toMatchObject({ state: 'done', note: 'nothing handles constructor' });
  });

  it('waits, when it stops, for what is in work, and claims no more', async () => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<string>();
    const loop = loopOf({
      pull_request: () => {
        begun.resolve();
        return goOn.promise;
      },
    });
    await loop.start();
    await receive({ id: 's-1', event: 'pull_request', payload: pull(1) });
    await receive({ id: 's-2', event: 'pull_request', payload: pull(1) });
    await begun.promise;
    const stopped = loop.stop(10_000);
    goOn.resolve('whole');
    await stopped;
    expect(await inbox.find('s-1')).toMatchObject({ state: 'done', note: 'whole' });
    expect(await inbox.find('s-2')).toMatchObject({ state: 'waiting' });
  });
});

describe('the receiver', () => {
  it.each([null, 'text', 7, [{}]])('refuses the payload %j', async (payload) => {
    const receive = openReceiver({} as Inbox);
    await expect(receive({ id: 'a', event: 'push', payload })).rejects.toMatchObject({ code: 'INVALID_JSON' });
  });

  it.each([
    ['', 'push'],
    ['a', ''],
    ['a'.repeat(201), 'push'],
  ])('refuses the headers %j and %j', async (id, event) => {
    const receive = openReceiver({} as Inbox);
    await expect(receive({ id, event, payload: {} })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
