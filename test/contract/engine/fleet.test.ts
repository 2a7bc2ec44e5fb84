import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { localPrincipal } from '../../../src/base/principal.ts';
import type { LogLine } from '../../../src/protocol/event.ts';
import { planStep, TRIGGER } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import { DONE, FAILED, type World } from './world.ts';

const NEVER = new AbortController().signal;
const NO_RETRY = { max: 0, on: [], backoff: { initialMs: 1, factor: 1, maxMs: 1, jitter: 'none' } } as const;

async function silence(w: World, worker: number): Promise<void> {
  await w.sql(`update worker set beat = now() - interval '1 hour' where id = ${worker}`);
}

onEveryStore('workers and what they hold', (world) => {
  describe('leases', () => {
    it('answers a stale fence with lost, and changes nothing', async () => {
      const w = world();
      const run = await w.start([planStep('a', { retry: { ...NO_RETRY, max: 3, on: ['infra'] } })]);
      const [first, second] = [await w.worker(), await w.worker()];
      const old = await first.take('a');
      await silence(w, first.id);
      await w.engine.resumeRun(run);
      const now = await second.take('a');
      expect(now.fence).toBeGreaterThan(old.fence);
      const before = await w.sql(`select * from step where run_id = ${run}`);
      expect(await first.complete(old)).toBe('lost');
      expect(await first.complete(old, FAILED)).toBe('lost');
      expect(await first.complete({ stepId: old.stepId, fence: now.fence + 1 })).toBe('lost');
      expect(await first.complete({ stepId: `${run}.99`, fence: 1 })).toBe('lost');
      expect(await first.complete({ stepId: '999999999.0', fence: 1 })).toBe('lost');
      expect(await w.sql(`select * from step where run_id = ${run}`)).toEqual(before);
      await second.complete(now);
      expect((await w.end(run)).status).toBe('succeeded');
    });

    it('answers the same completion twice alike, on both paths', async () => {
      const w = world();
      const plan = [
        planStep('a'),
        planStep('b', {
          retry: {
            ...NO_RETRY,
            max: 1,
            on: ['step'],
            backoff: { ...NO_RETRY.backoff, initialMs: 60_000, maxMs: 60_000 },
          },
        }),
        planStep('c', { retry: NO_RETRY }),
        planStep('l', { loop: { until: "steps.l.outputs.n == '2'", max: 5 } }),
      ];
      const run = await w.start(plan);
      const worker = await w.worker();
      const [a, b, c, l] = await worker.lease('a', 'b', 'c', 'l');
      for (let times = 0; times < 2; times++) {
        expect(await worker.complete(a!)).toBe('recorded');
        expect(await worker.complete(b!, FAILED)).toBe('recorded');
        expect(await worker.complete(c!, FAILED)).toBe('recorded');
        expect(await worker.complete(l!, { kind: 'succeeded', outputs: { n: '1' } })).toBe('recorded');
      }
      await w.engine.cancelRun(run, 'enough');
      expect((await w.end(run)).status).toBe('cancelled');
    });

    it('takes the same completion twice within one call', async () => {
      const w = world();
      const run = await w.start([planStep('a'), planStep('b', { needs: ['a'] })]);
      const worker = await w.worker();
      const { stepId, fence } = await worker.take('a');
      const twice = [1, 2].map(() => ({ stepId, fence, outcome: DONE }));
      const { answers } = await w.engine.leases.complete(worker.id, twice, 0);
      expect(answers).toEqual(['recorded', 'recorded']);
      await worker.run('b');
      await w.end(run);
    });

    it('gives the steps of a dead worker to another one, and counts that as a failure of the infrastructure', async () => {
      const w = world();
      const run = await w.start([planStep('a', { retry: { ...NO_RETRY, max: 1, on: ['infra'] } })]);
      for (const _ of [1, 2]) {
        const worker = await w.worker();
        await worker.take('a');
        await silence(w, worker.id);
        await w.engine.resumeRun(run);
      }
      const view = await w.end(run);
      expect(view.steps[0]).toMatchObject({ status: 'failed', attempts: 2 });
      expect((await w.events(run)).filter((event) => event.type === 'step.lost')).toHaveLength(2);
      expect(await w.sql(`select error_class from dead_letter where run_id = ${run}`)).toEqual([['infra']]);
    });

    it('gives nothing to a worker that was given up: it would be lost at once', async () => {
      const w = world();
      const gone = await w.worker();
      await silence(w, gone.id);
      const run = await w.start([planStep('a', { retry: NO_RETRY })]);
      await w.engine.resumeRun(run);
      await expect(gone.take('a')).rejects.toMatchObject({ code: 'LEASE_LOST' });
      await (await w.worker()).run('a');
      expect((await w.end(run)).steps[0]).toMatchObject({ status: 'succeeded', attempts: 1 });
    });

    it('takes up on resume what a dead process had claimed, without waiting until the claim expires', async () => {
      const w = world();
      const run = await w.start([planStep('a')]);
      const worker = await w.worker();
      await worker.run('a');
      await w.end(run);
      await w.sql(`delete from receipt where run_id = ${run}`);
      await w.sql(`insert into outbox (kind, run_id, due_at) values (2, ${run}, now() + interval '1 hour')`);
      await expect(w.engine.readReceipt(run)).rejects.toMatchObject({ code: 'RECEIPT_NOT_READY' });
      await w.engine.resumeRun(run);
      expect((await w.engine.readReceipt(run)).payloadSha256).toMatch(/^[0-9a-f]{64}$/);
    });

    it('gives a lease again that its living worker never named', async () => {
      const w = world();
      const run = await w.start([planStep('a')]);
      const [deaf, other] = [await w.worker(), await w.worker()];
      await deaf.take('a');
      await w.sql(`update step set leased_at = now() - interval '1 minute' where run_id = ${run}`);
      await w.engine.leases.renew(deaf.id, []);
      await w.engine.resumeRun(run);
      await other.run('a');
      expect((await w.end(run)).status).toBe('succeeded');
    });

    it('keeps a lease whose worker names it, however old it is, and tells a worker what it has lost', async () => {
      const w = world();
      const run = await w.start([planStep('a')]);
      const worker = await w.worker();
      const a = await worker.take('a');
      await w.sql(`update step set leased_at = now() - interval '1 minute' where run_id = ${run}`);
      expect(await w.engine.leases.renew(worker.id, [a])).toEqual({ lost: [] });
      await w.engine.resumeRun(run);
      const stale = { stepId: a.stepId, fence: a.fence - 1 };
      expect(await w.engine.leases.renew(worker.id, [a, stale])).toEqual({ lost: [stale] });
      await worker.complete(a);
      await w.end(run);
    });

    it('asks a person about a lost step that may not run twice: approval runs it again, denial fails it', async () => {
      const w = world();
      const plan = [planStep('a', { isIdempotent: false })];
      for (const [decision, status] of [
        ['approve', 'succeeded'],
        ['deny', 'failed'],
      ] as const) {
        const run = await w.start(plan);
        const worker = await w.worker();
        const a = await worker.take('a');
        await silence(w, worker.id);
        await w.engine.resumeRun(run);
        expect((await w.step(run, 'a')).hold?.kind).toBe('unknown-outcome');
        await w.engine.answerGate(run, {
          decision,
          reason: '',
          principal: localPrincipal(TRIGGER.actor.id),
          isAuthor: false,
        });
        if (decision === 'approve') await (await w.worker()).run('a');
        expect((await w.end(run)).status).toBe(status);
        expect(await worker.complete(a)).toBe('lost');
      }
    });

    it('gives back what a leaving worker holds, without using up a retry', async () => {
      const w = world();
      const run = await w.start([planStep('a', { retry: NO_RETRY })]);
      for (let times = 0; times < 3; times++) {
        const worker = await w.worker();
        await worker.take('a');
        await worker.leave();
        await expect(worker.complete({ stepId: `${run}.0`, fence: 1 })).rejects.toMatchObject({ code: 'LEASE_LOST' });
      }
      await (await w.worker()).run('a');
      expect((await w.end(run)).steps[0]).toMatchObject({ status: 'succeeded', attempts: 4 });
    });

    it('gives a dedicated run to workers that name it alone, also when it is retried', async () => {
      const w = world();
      const any = await w.worker();
      const run = await w.start([planStep('a', { retry: NO_RETRY })], { isDedicated: true });
      await any.nothing();
      const { id } = await w.engine.readRun(run);
      const own = await w.worker({ run: id });
      const common = await w.start([planStep('b')]);
      await own.run('a', FAILED);
      await own.nothing();
      await any.run('b');
      await w.end(run);
      await w.end(common);
      const again = await w.engine.retryRun(run, { type: 'failed' });
      await any.nothing();
      await (await w.worker({ run: (await w.engine.readRun(again)).id })).run('a');
      expect((await w.end(again)).status).toBe('succeeded');
    });

    it('gives steps to workers of their class, and starves no class of a worker of several', async () => {
      const w = world();
      const run = await w.start([planStep('g', { runner: 'gpu' }), planStep('l'), planStep('m', { runner: 'macos' })]);
      const linux = await w.worker({ runners: ['linux'] });
      await linux.run('l');
      await linux.nothing();
      const both = await w.worker({ runners: ['gpu', 'macos'] });
      await both.run('g');
      await both.run('m');
      expect((await w.end(run)).status).toBe('succeeded');
    });

    it('answers an open acquire when a step becomes ready, and empty when its time is over or it is given up', async () => {
      const w = world();
      const worker = await w.worker();
      const waiting = w.engine.leases.acquire(worker.id, 1, 5000, NEVER);
      const run = await w.start([planStep('a')]);
      const [lease] = await waiting;
      expect(lease?.step.id).toBe('a');
      expect(await w.engine.leases.acquire(worker.id, 1, 1, NEVER)).toEqual([]);
      const giveUp = new AbortController();
      const held = w.engine.leases.acquire(worker.id, 1, 60_000, giveUp.signal);
      giveUp.abort();
      expect(await held).toEqual([]);
      await worker.complete(lease!);
      await w.end(run);
    });
  });

  describe('what a lease opens', () => {
    it('releases secrets, blobs, caches and annotations to the holder alone', async () => {
      const w = world();
      const run = await w.start([planStep('a', { secrets: ['TOKEN'] })]);
      const [worker, thief] = [await w.worker(), await w.worker()];
      const a = await worker.take('a');
      const { leases } = w.engine;
      expect(await leases.secrets(worker.id, a)).toEqual({ TOKEN: 'value of TOKEN' });
      const stale = { stepId: a.stepId, fence: a.fence + 1 };
      const text = async function* () {
        yield Buffer.from('content');
      };
      const { digest, sizeBytes } = await leases.putBlob(worker.id, a, text());
      expect(sizeBytes).toBe(7);
      const lost = { code: 'LEASE_LOST' };
      for (const [id, lease] of [
        [thief.id, a],
        [worker.id, stale],
      ] as const) {
        await expect(leases.secrets(id, lease)).rejects.toMatchObject(lost);
        await expect(leases.putBlob(id, lease, text())).rejects.toMatchObject(lost);
        await expect(leases.getBlob(id, lease, digest)).rejects.toMatchObject(lost);
        await expect(leases.cacheGet(id, lease, 'k')).rejects.toMatchObject(lost);
        await expect(
          leases.cachePut(id, lease, { key: 'k', outputs: {}, artifacts: [], files: [] }, 1000),
        ).rejects.toMatchObject(lost);
        await expect(leases.annotate(id, lease, [])).rejects.toMatchObject(lost);
        await expect(leases.appendLog(id, [{ ...lease, seq: 0, text: 'x' }])).rejects.toMatchObject(lost);
      }
      await worker.complete(a);
      await expect(leases.secrets(worker.id, a)).rejects.toMatchObject(lost);
      await w.end(run);
    });

    it('keeps a cached result until its time is over, with the run that made it', async () => {
      const w = world();
      const run = await w.start([planStep('a')]);
      const worker = await w.worker();
      const a = await worker.take('a');
      const { leases } = w.engine;
      const key = randomBytes(8).toString('hex');
      expect(await leases.cacheGet(worker.id, a, key)).toBeUndefined();
      await leases.cachePut(worker.id, a, { key, outputs: { n: 1 }, artifacts: [], files: [] }, 60_000);
      expect(await leases.cacheGet(worker.id, a, key)).toEqual({
        key,
        outputs: { n: 1 },
        artifacts: [],
        files: [],
        runId: a.runId,
      });
      await leases.cachePut(worker.id, a, { key, outputs: { n: 2 }, artifacts: [], files: [] }, 60_000);
      expect(await leases.cacheGet(worker.id, a, key)).toMatchObject({ outputs: { n: 2 } });
      await w.sql(`update cache_entry set expires_at = now() where key like '% ${key}'`);
      expect(await leases.cacheGet(worker.id, a, key)).toBeUndefined();
      await worker.complete(a);
      await w.end(run);
    });

    it('stores each chunk of a log once, in order, attempt after attempt', async () => {
      const w = world();
      const run = await w.start([planStep('a', { retry: { ...NO_RETRY, max: 1, on: ['step'] } })]);
      const worker = await w.worker();
      const { leases } = w.engine;
      const first = await worker.take('a');
      const following = collect(w.engine.readLogs(run, 'a', true, AbortSignal.timeout(20_000)));
      await leases.appendLog(worker.id, [
        { ...first, seq: 0, text: 'one\n' },
        { ...first, seq: 1, text: 'ü \\ " \n' },
      ]);
      await leases.appendLog(worker.id, [
        { ...first, seq: 1, text: 'again\n' },
        { ...first, seq: 2, text: 'three\n' },
      ]);
      await worker.complete(first, FAILED);
      const second = await worker.take('a');
      await expect(leases.appendLog(worker.id, [{ ...first, seq: 3, text: 'late\n' }])).rejects.toMatchObject({
        code: 'LEASE_LOST',
      });
      await leases.appendLog(worker.id, [{ ...second, seq: 0, text: 'four\n' }]);
      await worker.complete(second);
      await w.end(run);
      const wanted = [
        [1, 'one\n'],
        [1, 'ü \\ " \n'],
        [1, 'three\n'],
        [2, 'four\n'],
      ];
      const read = await collect(w.engine.readLogs(run, undefined, false, NEVER));
      expect(read.map((line) => [line.attempt, line.text])).toEqual(wanted);
      expect((await following).map((line) => [line.attempt, line.text])).toEqual(wanted);
    });

    it('takes outcomes that Postgres would refuse: NUL, lone surrogates, quotes and backslashes', async () => {
      const w = world();
      const run = await w.start([planStep('a'), planStep('b', { retry: NO_RETRY })]);
      const worker = await w.worker();
      const [a, b] = await worker.lease('a', 'b');
      const nasty = 'x\u0000\ud800 "{,}\\u0000" \\ \n\u{1f600}';
      expect(await worker.complete(a!, { kind: 'succeeded', outputs: { nasty } })).toBe('recorded');
      expect(
        await worker.complete(b!, { kind: 'failed', errorClass: 'step', message: nasty, outputs: { nasty } }),
      ).toBe('recorded');
      const view = await w.end(run);
      for (const step of view.steps) expect(step.outputs.nasty).toBe('x\ufffd\ufffd "{,}\\u0000" \\ \n\u{1f600}');
    });
  });
});

async function collect(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
  const all: LogLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}
