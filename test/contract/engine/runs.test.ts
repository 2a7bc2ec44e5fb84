import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { localPrincipal } from '../../../src/base/principal.ts';
import type { Session } from '../../../src/store/database.ts';
import { openTestEngine } from '../../fakes/engine.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import { DONE, FAILED, type World } from './world.ts';

const NEVER = new AbortController().signal;
const NO_RETRY = { max: 0, on: [], backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 'none' } } as const;

type Body<T> = (session: Session) => Promise<T>;

/** The process dies before it holds a group. */
function killedAtGroups<T>(body: Body<T>): Body<T> {
  return (session) =>
    body({
      query: async (name, text, values) => {
        if (name === 'group_lock') throw new Error('killed');
        return session.query(name, text, values);
      },
    });
}

onEveryStore('runs and their neighbours', (world) => {
  describe('retry of a run', () => {
    const plan = [
      planStep('a'),
      planStep('b', { needs: ['a'], retry: NO_RETRY }),
      planStep('c', { needs: ['b'], with: { run: `\${{ steps.a.outputs.x }}`, shell: 'bash' } }),
      planStep('d'),
    ];

    async function failed(w: World): Promise<number> {
      const run = await w.start(plan);
      const worker = await w.worker();
      const [a, d] = await worker.lease('a', 'd');
      await worker.complete(a!, { kind: 'succeeded', outputs: { x: 'kept' } });
      await worker.complete(d!);
      await worker.run('b', FAILED);
      expect((await w.end(run)).status).toBe('failed');
      return run;
    }

    it('keeps the successes outside the scope and links the first run', async () => {
      const w = world();
      const first = await failed(w);
      const worker = await w.worker();
      for (const [scope, redone] of [
        [{ type: 'failed' }, ['b', 'c']],
        [{ type: 'from', step: 'd' }, ['d', 'b', 'c']],
        [{ type: 'all' }, ['a', 'd', 'b', 'c']],
      ] as const) {
        const run = await w.engine.retryRun(first, scope);
        const wanted = scope.type === 'all' ? 'new' : 'kept';
        const done: string[] = [];
        while (done.length < redone.length) {
          const [lease] = await w.engine.leases.acquire(worker.id, 1, 5000, NEVER);
          if (!lease) break;
          done.push(lease.step.id);
          const read = lease.step.id === 'c' ? lease.contexts.steps : { a: { outputs: { x: wanted } } };
          expect(read).toMatchObject({ a: { outputs: { x: wanted } } });
          await worker.complete(lease, lease.step.id === 'a' ? { kind: 'succeeded', outputs: { x: 'new' } } : DONE);
        }
        expect(done.sort()).toEqual([...redone].sort());
        const view = await w.end(run);
        expect(view).toMatchObject({ status: 'succeeded', attempt: 2, retryOf: (await w.engine.readRun(first)).id });
      }
    });

    it('refuses a run that goes on, and a step that is not there', async () => {
      const w = world();
      const first = await failed(w);
      await expect(w.engine.retryRun(first, { type: 'from', step: 'x' })).rejects.toMatchObject({
        code: 'STEP_NOT_FOUND',
      });
      const run = await w.start([planStep('a')]);
      await expect(w.engine.retryRun(run, { type: 'all' })).rejects.toMatchObject({ code: 'RUN_NOT_FINISHED' });
      await expect(w.engine.retryRun(999_999_999, { type: 'all' })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
      await (await w.worker()).run('a');
      await w.end(run);
    });

    it('ends at once where nothing is left to do', async () => {
      const w = world();
      const run = await w.start([planStep('a')]);
      await (await w.worker()).run('a');
      await w.end(run);
      const again = await w.engine.retryRun(run, { type: 'failed' });
      expect((await w.end(again)).status).toBe('succeeded');
    });
  });

  it('starts one run per idempotency key, also when asked at the same time', async () => {
    const w = world();
    const idempotencyKey = randomBytes(8).toString('hex');
    const runs = await Promise.all([1, 2, 3].map(() => w.start([planStep('a')], { idempotencyKey })));
    expect(new Set(runs).size).toBe(1);
    await (await w.worker()).run('a');
    await w.end(runs[0]!);
    expect(await w.start([planStep('a')], { idempotencyKey })).toBe(runs[0]);
  });

  it('waits for its time, and goes on', async () => {
    const w = world();
    const run = await w.start([
      planStep('w', { kind: 'wait', with: { for: '1h' } }),
      planStep('u', { kind: 'wait', with: { until: '2001-01-01T00:00:00Z' } }),
      planStep('bad', { kind: 'wait', with: { for: 'a while' }, continueOnError: true }),
    ]);
    await w.until(run, 'w', 'held');
    await w.until(run, 'u', 'succeeded');
    await w.until(run, 'bad', 'failed');
    expect((await w.step(run, 'w')).hold).toMatchObject({ kind: 'wait' });
    await w.timeout(run);
    await w.until(run, 'w', 'succeeded');
    await w.end(run);
  });

  describe('concurrency groups', () => {
    const grouped = (cancelInProgress = false) =>
      planOf([planStep('a')], { concurrency: { group: `g-\${{ github.ref }}`, cancelInProgress } });

    it('lets one run and one wait: the newest waits, the one that waited is cancelled', async () => {
      const w = world();
      const worker = await w.worker();
      const [first, second, third] = [await w.start(grouped()), await w.start(grouped()), await w.start(grouped())];
      expect((await w.end(second)).status).toBe('cancelled');
      expect((await w.engine.readRun(third)).status).toBe('queued');
      await worker.run('a');
      expect((await w.end(first)).status).toBe('succeeded');
      await worker.run('a');
      expect((await w.end(third)).status).toBe('succeeded');
    });

    it('is joined when a start is repeated that was killed before it joined', async () => {
      const w = world();
      const first = await w.start(grouped(true));
      const dying = await openTestEngine({ ...w.db, transaction: (body) => w.db.transaction(killedAtGroups(body)) });
      const request = { plan: grouped(true), trigger: TRIGGER, idempotencyKey: randomBytes(8).toString('hex') };
      await expect(dying.startRun(request)).rejects.toThrow('killed');
      await dying.close();
      const { run, isNew } = await w.engine.startRun(request);
      expect(isNew).toBe(false);
      const { status, reason } = await w.end(first);
      expect(status).toBe('cancelled');
      expect(reason).toContain(`run ${(await w.engine.readRun(run)).id} of group`);
      await (await w.worker()).run('a');
      expect((await w.end(run)).status).toBe('succeeded');
    });

    it('is joined by a retry, also when it is repeated because the first try was killed before it joined', async () => {
      const w = world();
      const first = await w.start(grouped(true));
      await (await w.worker()).run('a', FAILED);
      await w.end(first);
      const running = await w.start(grouped(true));
      const key = randomBytes(8).toString('hex');
      const dying = await openTestEngine({ ...w.db, transaction: (body) => w.db.transaction(killedAtGroups(body)) });
      await expect(dying.retryRun(first, { type: 'all' }, key)).rejects.toThrow('killed');
      await dying.close();
      const again = await w.engine.retryRun(first, { type: 'all' }, key);
      expect((await w.end(running)).reason).toContain(`run ${(await w.engine.readRun(again)).id} of group`);
      await (await w.worker()).run('a');
      expect((await w.end(again)).status).toBe('succeeded');
      expect(await w.engine.retryRun(first, { type: 'all' }, key)).toBe(again);
    });

    it('cancels what runs where the plan says so', async () => {
      const w = world();
      const worker = await w.worker();
      const first = await w.start(grouped(true));
      const a = await worker.take('a');
      const second = await w.start(grouped(true));
      expect((await w.engine.readRun(first)).status).toBe('cancelling');
      await worker.nothing();
      await worker.complete(a, { kind: 'cancelled' });
      expect((await w.end(first)).status).toBe('cancelled');
      await worker.run('a');
      expect((await w.end(second)).status).toBe('succeeded');
    });

    it('never cancels a run that has begun, however close the next one is', async () => {
      const w = world();
      const runs = await Promise.all(Array.from({ length: 6 }, () => w.start(grouped())));
      const worker = await w.worker();
      const begun: number[] = [];
      for (;;) {
        const leases = await w.engine.leases.acquire(worker.id, 6, 300, NEVER);
        if (leases.length === 0) break;
        expect(leases, 'one at a time').toHaveLength(1);
        begun.push(Number(leases[0]?.stepId.split('.')[0]));
        await worker.complete(leases[0]!);
      }
      const ends = await Promise.all(runs.map((run) => w.end(run)));
      expect(begun).toContain(Math.max(...runs));
      ends.forEach((end, i) => expect(end.status).toBe(begun.includes(runs[i]!) ? 'succeeded' : 'cancelled'));
    });

    it('lets a run of a group begin that people were asked about, when it is its turn', async () => {
      const w = world();
      const asks = { ...grouped(), autonomy: 'L5' } as const;
      const approve = async (run: number): Promise<void> => {
        const answer = { decision: 'approve', reason: '', isAuthor: false } as const;
        for (const name of ['bo', 'cy']) await w.engine.answerGate(run, { ...answer, principal: localPrincipal(name) });
      };
      const worker = await w.worker();
      const first = await w.start(grouped());
      const second = await w.start(asks);
      expect(await w.engine.readRun(second)).toMatchObject({ status: 'queued', isConsentWanted: true });
      await approve(second);
      const a = await worker.take('a');
      expect(await w.engine.readRun(second)).toMatchObject({ status: 'queued', isConsentWanted: false });
      await worker.complete(a);
      await w.end(first);
      await worker.run('a');
      await w.end(second);
      const third = await w.start(asks);
      await worker.nothing();
      await approve(third);
      await worker.run('a');
      await w.end(third);
    });
  });
});
