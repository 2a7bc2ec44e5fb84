import { describe, expect, it } from 'vitest';
import { planStep } from '../../fakes/plans.ts';
import { onEveryStore } from './engines.ts';
import { DONE, FAILED, failure } from './world.ts';

const BACKOFF = { initialMs: 1, factor: 1, maxMs: 1, jitter: 'none' } as const;

onEveryStore('the flow of a run', (world) => {
  it('runs a sequence in order and ends it as succeeded', async () => {
    const w = world();
    const run = await w.start([planStep('a'), planStep('b', { needs: ['a'] }), planStep('c', { needs: ['b'] })]);
    const worker = await w.worker();
    await worker.run('a');
    await worker.run('b');
    expect(await w.statuses(run)).toEqual({ a: 'succeeded', b: 'succeeded', c: 'ready' });
    await worker.run('c');
    const view = await w.end(run);
    expect(view.status).toBe('succeeded');
    expect(view.steps.map((step) => step.attempts)).toEqual([1, 1, 1]);
  });

  it('hands the next step over with the answer to the completion before it', async () => {
    const w = world();
    const run = await w.start([planStep('a'), planStep('b', { needs: ['a'] })]);
    const worker = await w.worker();
    const a = await worker.take('a');
    const { leases } = await w.engine.leases.complete(worker.id, [{ ...a, outcome: DONE }], 1);
    expect(leases.map((one) => one.step.id)).toEqual(['b']);
    await worker.complete(leases[0]!);
    expect((await w.end(run)).status).toBe('succeeded');
  });

  it('fans out and in: the join waits for the last branch', async () => {
    const w = world();
    const branches = ['b1', 'b2', 'b3', 'b4'];
    const run = await w.start([
      planStep('a'),
      ...branches.map((id) => planStep(id, { needs: ['a'] })),
      planStep('z', { needs: branches }),
    ]);
    const worker = await w.worker();
    await worker.run('a');
    const leases = await worker.lease(...branches);
    for (const lease of leases.slice(1)) await worker.complete(lease);
    await worker.nothing();
    await worker.complete(leases[0]!);
    await worker.run('z');
    expect((await w.end(run)).status).toBe('succeeded');
  });

  it('gives the outputs of a matrix, merged, to the step that reads them, and as names to its template', async () => {
    const w = world();
    const run = await w.start([
      planStep('build[a]', { base: 'build', matrix: { os: 'a' } }),
      planStep('build[b]', { base: 'build', matrix: { os: 'b' } }),
      planStep('use', {
        needs: ['build[a]', 'build[b]'],
        with: { run: `echo \${{ steps.build.outputs.one }} \${{ steps.build.outputs.two }}`, shell: 'bash' },
      }),
    ]);
    const worker = await w.worker();
    const [a, b] = await worker.lease('build[a]', 'build[b]');
    expect(a!.contexts.matrix).toEqual({ os: 'a' });
    await worker.complete(a!, { kind: 'succeeded', outputs: { one: '1', both: 'a' } });
    await worker.complete(b!, { kind: 'succeeded', outputs: { two: '2', both: 'b' } });
    const use = await worker.run('use');
    expect(use.contexts.steps).toMatchObject({
      build: { outputs: { one: '1', two: '2', both: 'b' }, result: 'success' },
    });
    expect((await w.end(run)).status).toBe('succeeded');
  });

  it('skips what follows a failure, runs what asks for it, and fails the run', async () => {
    const w = world();
    const run = await w.start([
      planStep('a'),
      planStep('plain', { needs: ['a'] }),
      planStep('after', { needs: ['plain'] }),
      planStep('always', { needs: ['plain'], if: 'always()' }),
      planStep('failed', { needs: ['a'], if: 'failure()' }),
    ]);
    const worker = await w.worker();
    await worker.run('a', FAILED);
    const leases = await worker.lease('always', 'failed');
    for (const lease of leases) await worker.complete(lease);
    const view = await w.end(run);
    expect(view.status).toBe('failed');
    expect(await w.statuses(run)).toEqual({
      a: 'failed',
      plain: 'skipped',
      after: 'skipped',
      always: 'succeeded',
      failed: 'succeeded',
    });
    expect(view.steps[0]).toMatchObject({ exitCode: 1, reason: 'it failed' });
  });

  it('evaluates a condition over outputs, and a condition that cannot be evaluated fails its step', async () => {
    const w = world();
    const run = await w.start([
      planStep('a'),
      planStep('yes', { needs: ['a'], if: "steps.a.outputs.go == 'yes'" }),
      planStep('no', { needs: ['a'], if: "steps.a.outputs.go == 'no'" }),
      planStep('broken', { needs: ['a'], if: "fromJSON('{')" }),
    ]);
    const worker = await w.worker();
    await worker.run('a', { kind: 'succeeded', outputs: { go: 'yes' } });
    await worker.run('yes');
    const view = await w.end(run);
    expect(view.status).toBe('failed');
    expect(await w.statuses(run)).toEqual({ a: 'succeeded', yes: 'succeeded', no: 'skipped', broken: 'failed' });
  });

  it('closes a failed run when its last step succeeds on the fast path', async () => {
    const w = world();
    const run = await w.start([planStep('bad'), planStep('good')]);
    const worker = await w.worker();
    const [bad, good] = await worker.lease('bad', 'good');
    await worker.complete(bad!, FAILED);
    await worker.complete(good!);
    expect((await w.end(run)).status).toBe('failed');
  });

  it('ends a run without steps to lease at once', async () => {
    const w = world();
    const run = await w.start([planStep('a', { if: 'false' })]);
    expect((await w.end(run)).status).toBe('succeeded');
    expect(await w.statuses(run)).toEqual({ a: 'skipped' });
  });

  describe('loops', () => {
    const looped = (max: number) => planStep('l', { loop: { until: "steps.l.outputs.n == '3'", max } });

    it('repeats until the condition holds, each iteration with a key of its own', async () => {
      const w = world();
      const run = await w.start([looped(10), planStep('z', { needs: ['l'] })]);
      const worker = await w.worker();
      const keys = [];
      for (const n of ['1', '2', '3'])
        keys.push((await worker.run('l', { kind: 'succeeded', outputs: { n } })).idempotencyKey);
      expect(new Set(keys).size).toBe(3);
      await worker.run('z');
      expect((await w.end(run)).steps[0]).toMatchObject({
        status: 'succeeded',
        iteration: 2,
        attempts: 3,
        outputs: { n: '3' },
      });
    });

    it('fails when the condition does not hold at the last iteration', async () => {
      const w = world();
      const run = await w.start([looped(2)]);
      const worker = await w.worker();
      await worker.run('l', { kind: 'succeeded', outputs: { n: '1' } });
      await worker.run('l', { kind: 'succeeded', outputs: { n: '2' } });
      expect((await w.end(run)).status).toBe('failed');
    });
  });

  describe('retries', () => {
    it('retries the classes that the plan names after the backoff, and shows the last attempt alone', async () => {
      const w = world();
      const retry = { max: 2, on: ['infra', 'step'], backoff: BACKOFF } as const;
      const run = await w.start([planStep('a', { retry })]);
      const worker = await w.worker();
      const first = await worker.run('a', failure('infra'));
      const second = await worker.run('a', { ...FAILED, exitCode: 7 });
      expect([first.attempt, second.attempt]).toEqual([1, 2]);
      expect(second.fence).toBeGreaterThan(first.fence);
      expect(second.idempotencyKey).toBe(first.idempotencyKey);
      await worker.run('a');
      const view = await w.end(run);
      expect(view.steps[0]).toMatchObject({ status: 'succeeded', attempts: 3, exitCode: null, reason: null });
      const retried = (await w.events(run)).filter((event) => event.type === 'step.retried');
      expect(retried.map((event) => event.attempt)).toEqual([1, 2]);
    });

    it('does not retry another class, and gives up after the last retry with a dead letter', async () => {
      const w = world();
      const retry = { max: 1, on: ['infra'], backoff: BACKOFF } as const;
      const run = await w.start([planStep('a', { retry }), planStep('b', { retry })]);
      const worker = await w.worker();
      const [a, b] = await worker.lease('a', 'b');
      await worker.complete(a!, FAILED);
      await worker.complete(b!, { kind: 'retry-later', message: 'not now' });
      await worker.run('b', failure('infra'));
      const view = await w.end(run);
      expect(view.steps.map((step) => [step.status, step.attempts])).toEqual([
        ['failed', 1],
        ['failed', 2],
      ]);
      expect(await w.sql(`select idx, error_class, message from dead_letter where run_id = ${run}`)).toEqual([
        [1, 'infra', 'failed by infra'],
      ]);
    });

    it('keeps nothing of an attempt when the next one ends on the slow path', async () => {
      const w = world();
      const retry = { max: 1, on: ['step'], backoff: BACKOFF } as const;
      const run = await w.start([planStep('a', { retry })]);
      const worker = await w.worker();
      await worker.run('a', { ...FAILED, exitCode: 7, outputs: { old: '1' } });
      await worker.run('a', { kind: 'failed', errorClass: 'timeout', message: 'too slow' });
      const view = await w.end(run);
      expect(view.steps[0]).toMatchObject({ status: 'failed', exitCode: null, outputs: {}, reason: 'too slow' });
    });
  });

  describe('continue-on-error', () => {
    it('absorbs a failure: what follows runs and the run succeeds', async () => {
      const w = world();
      const run = await w.start([
        planStep('a', { continueOnError: true }),
        planStep('b', { needs: ['a'], if: "steps.a.outcome == 'failure' && steps.a.conclusion == 'success'" }),
      ]);
      const worker = await w.worker();
      await worker.run('a', FAILED);
      await worker.run('b');
      expect((await w.end(run)).status).toBe('succeeded');
      expect(await w.statuses(run)).toEqual({ a: 'failed', b: 'succeeded' });
    });

    it('absorbs the loss of a worker as well, once no retry is left', async () => {
      const w = world();
      const run = await w.start([
        planStep('a', { continueOnError: true, retry: { max: 0, on: [], backoff: BACKOFF } }),
      ]);
      const worker = await w.worker();
      await worker.take('a');
      await w.sql(`update worker set beat = now() - interval '1 hour' where id = ${worker.id}`);
      await w.engine.resumeRun(run);
      expect((await w.end(run)).status).toBe('succeeded');
      expect((await w.step(run, 'a')).status).toBe('failed');
    });

    it('does not mark a step that was cancelled while it waited for its retry', async () => {
      const w = world();
      const slow = { initialMs: 60_000, factor: 1, maxMs: 60_000, jitter: 'none' } as const;
      const plan = [planStep('a', { continueOnError: true, retry: { max: 1, on: ['step'], backoff: slow } })];
      const run = await w.start(plan);
      const worker = await w.worker();
      await worker.run('a', FAILED);
      await w.until(run, 'a', 'held');
      await w.engine.cancelRun(run, 'enough');
      expect((await w.end(run)).status).toBe('cancelled');
      const again = await w.engine.retryRun(run, { type: 'failed' });
      await worker.run('a');
      expect((await w.end(again)).status).toBe('succeeded');
    });
  });
});
