import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MaestroError } from '../../../src/base/errors.ts';
import type { Lease, StepId } from '../../../src/protocol/lease.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import type { Attempt, ExecuteStep } from '../../../src/worker/attempt.ts';
import { runWorker, type WorkerOptions } from '../../../src/worker/loop.ts';
import { FakeConductor } from '../../fakes/lease-client.ts';
import { leaseNumber, leaseOf } from './leases.ts';

const SUCCEEDED: Outcome = { kind: 'succeeded' };

/** Pauses that end when the test says so, and a clock that moves with them. */
class TestTime {
  nowMs = 0;
  #waiting: { dueMs: number; resolve: () => void }[] = [];
  readonly clock = { now: () => this.nowMs };
  readonly pause = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      this.#waiting.push({ dueMs: this.nowMs + ms, resolve });
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });

  advance(ms: number): void {
    this.nowMs += ms;
    for (const { resolve } of this.#waiting.filter(({ dueMs }) => dueMs <= this.nowMs)) resolve();
    this.#waiting = this.#waiting.filter(({ dueMs }) => dueMs > this.nowMs);
  }
}

function startWorker(client: FakeConductor, execute: ExecuteStep, changes: Partial<WorkerOptions> = {}, capacity = 4) {
  const drain = new AbortController();
  const time = new TestTime();
  const done = runWorker({
    client,
    hello: { name: 'w', runners: ['*'], capacity },
    execute,
    clock: time.clock,
    signal: drain.signal,
    pause: time.pause,
    random: () => 0,
    ...changes,
  });
  return { done, drain: () => drain.abort(), time };
}

/** An executor whose attempts end when the test says so, or at once when they are stopped. */
function manualExecutor() {
  const attempts: Attempt[] = [];
  const finish = new Map<StepId, (outcome: Outcome) => void>();
  let onStart = (): void => {};
  const execute: ExecuteStep = (attempt) => {
    attempts.push(attempt);
    const ended = new Promise<Outcome>((resolve) => {
      finish.set(attempt.lease.stepId, resolve);
      attempt.signal.addEventListener('abort', () => resolve({ kind: 'cancelled' }), { once: true });
    });
    onStart();
    return ended;
  };
  const started = (count: number): Promise<void> =>
    new Promise((resolve) => {
      onStart = () => attempts.length >= count && resolve();
      onStart();
    });
  return { execute, attempts, finish, started };
}

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('worker loop', () => {
  it('runs what it leased, records every outcome once, then drains and leaves', async () => {
    const client = new FakeConductor();
    client.queue(...Array.from({ length: 100 }, (_, i) => leaseNumber(i)));
    const worker = startWorker(client, async () => SUCCEEDED);
    await client.until(() => client.outcomes.size === 100);
    worker.drain();
    expect(await worker.done).toEqual({ recorded: 100, lost: 0 });
    expect(client.hasLeft).toBe(true);
  });

  it('never runs more attempts at once than its capacity, whatever call brings them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 3 }),
        async (capacity, count, fanOut) => {
          const client = new FakeConductor();
          let next = count;
          client.successors = () => Array.from({ length: next < 80 ? fanOut : 0 }, () => leaseNumber(next++));
          client.queue(...Array.from({ length: count }, (_, i) => leaseNumber(i)));
          let running = 0;
          let runningMax = 0;
          const worker = startWorker(
            client,
            async () => {
              runningMax = Math.max(runningMax, ++running);
              await Promise.resolve();
              running--;
              return SUCCEEDED;
            },
            {},
            capacity,
          );
          await client.until(() => client.outcomes.size === next);
          worker.drain();
          await worker.done;
          expect(runningMax).toBeLessThanOrEqual(capacity);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('gathers outcomes that end while a complete call is in flight into one call', async () => {
    const client = new FakeConductor();
    client.queue(...Array.from({ length: 300 }, (_, i) => leaseNumber(i)));
    const worker = startWorker(client, () => SUCCEEDED, {}, 300);
    await client.until(() => client.outcomes.size === 300);
    worker.drain();
    await worker.done;
    expect(client.completeSizes).toEqual([300]);
  });

  it('starts at once what a complete call brings back', async () => {
    const client = new FakeConductor();
    client.successors = ({ stepId }) => (stepId === '1.9' ? [] : [leaseNumber(Number(stepId.split('.')[1]) + 1)]);
    let acquires = 0;
    client.beforeCall = (name) => void (name === 'acquire' && acquires++);
    client.queue(leaseNumber(0));
    const worker = startWorker(client, () => SUCCEEDED, {}, 1);
    await client.until(() => client.outcomes.size === 10);
    worker.drain();
    await worker.done;
    expect(acquires).toBeLessThanOrEqual(2);
  });

  it('stops an attempt when a cancel arrives and reports it as cancelled', async () => {
    const client = new FakeConductor();
    const { execute, started } = manualExecutor();
    client.queue(leaseOf());
    const worker = startWorker(client, execute);
    await started(1);
    client.send({ type: 'cancel', stepId: '1.0', fence: 1 });
    await client.until(() => client.outcomes.size === 1);
    expect(client.outcomes.get('1.0')).toEqual({ kind: 'cancelled' });
    worker.drain();
    await worker.done;
  });

  it('does not ask again at once while the conductor repeats a cancel', async () => {
    const client = new FakeConductor();
    let asked = 0;
    client.signals = async () => {
      asked++;
      return [{ type: 'cancel', stepId: '1.0', fence: 1 }];
    };
    let finish: (outcome: Outcome) => void = () => {};
    let started = (): void => {};
    const begun = new Promise<void>((resolve) => (started = resolve));
    client.queue(leaseOf());
    const worker = startWorker(client, () => {
      started();
      return new Promise((resolve) => (finish = resolve));
    });
    await begun;
    worker.time.advance(200);
    await turns(50);
    expect(asked).toBeLessThanOrEqual(4);
    finish({ kind: 'cancelled' });
    worker.drain();
    expect(await worker.done).toEqual({ recorded: 1, lost: 0 });
  });

  it('ignores a cancel that names an older fence', async () => {
    const client = new FakeConductor();
    const { execute, started, attempts, finish } = manualExecutor();
    client.queue(leaseOf({ fence: 7 }));
    const worker = startWorker(client, execute);
    await started(1);
    client.send({ type: 'cancel', stepId: '1.0', fence: 6 });
    await turns();
    expect(attempts[0]?.stopped).toBeUndefined();
    finish.get('1.0')?.(SUCCEEDED);
    worker.drain();
    expect(await worker.done).toEqual({ recorded: 1, lost: 0 });
  });

  it('finishes what it holds when told to drain, and takes no more', async () => {
    const client = new FakeConductor();
    const { execute, started, finish } = manualExecutor();
    client.queue(leaseOf());
    const worker = startWorker(client, execute);
    await started(1);
    client.send({ type: 'drain' });
    await turns();
    client.queue(leaseNumber(1));
    finish.get('1.0')?.(SUCCEEDED);
    expect(await worker.done).toEqual({ recorded: 1, lost: 0 });
    expect([...client.outcomes.keys()]).toEqual(['1.0']);
  });

  it('names what it holds in each renewal and stops what it no longer owns', async () => {
    const client = new FakeConductor();
    const { execute, started, attempts } = manualExecutor();
    const lease = leaseOf();
    client.queue(lease);
    const worker = startWorker(client, execute);
    await started(1);
    client.takeAway(lease);
    worker.time.advance(10_000);
    await client.until(() => client.renewals.length === 1);
    await turns();
    expect(client.renewals[0]).toEqual([{ stepId: '1.0', fence: 1 }]);
    expect(attempts[0]?.stopped).toBe('lost');
    worker.drain();
    expect(await worker.done).toEqual({ recorded: 0, lost: 1 });
    expect(client.outcomes.size).toBe(0);
  });

  it('counts an outcome that came too late as lost', async () => {
    const client = new FakeConductor();
    const { execute, started, finish } = manualExecutor();
    const lease = leaseOf();
    client.queue(lease);
    const worker = startWorker(client, execute);
    await started(1);
    client.takeAway(lease);
    finish.get('1.0')?.(SUCCEEDED);
    await turns();
    worker.drain();
    expect(await worker.done).toEqual({ recorded: 0, lost: 1 });
  });

  it('gives attempts up when no renewal got through for as long as the conductor waits', async () => {
    const client = new FakeConductor();
    const { execute, started, attempts } = manualExecutor();
    client.queue(leaseOf());
    const worker = startWorker(client, execute);
    await started(1);
    client.beforeCall = (name) => {
      if (name === 'renew') throw new Error('connection refused');
    };
    for (let i = 0; i < 8; i++) {
      worker.time.advance(10_000);
      await turns(5);
    }
    expect(attempts[0]?.stopped).toBe('lost');
    worker.drain();
    await worker.done;
  });

  it('loses no outcome while every call fails at random', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), async (failures) => {
        const client = new FakeConductor();
        const script = [...failures];
        client.beforeCall = (name) => {
          if (name !== 'leave' && script.shift()) throw new Error('connection reset');
        };
        client.queue(...Array.from({ length: 30 }, (_, i) => leaseNumber(i)));
        const worker = startWorker(
          client,
          async () => SUCCEEDED,
          { pause: () => new Promise((resolve) => setImmediate(resolve)) },
          7,
        );
        await client.until(() => client.outcomes.size === 30);
        worker.drain();
        expect((await worker.done).recorded).toBe(30);
      }),
      { numRuns: 30 },
    );
  });

  it('replaces an outcome that the conductor refuses by a failure and still records the others', async () => {
    const client = new FakeConductor();
    const complete = client.complete.bind(client);
    client.complete = async (workerId, completions, room) => {
      if (completions.some(({ outcome }) => outcome.outputs))
        throw new MaestroError('INVALID_JSON', 'a lone surrogate');
      return complete(workerId, completions, room);
    };
    client.queue(leaseNumber(0), leaseNumber(1), leaseNumber(2));
    const worker = startWorker(client, ({ lease }) =>
      lease.stepId === '1.1' ? { ...SUCCEEDED, outputs: { bad: '\ud800' } } : SUCCEEDED,
    );
    await client.until(() => client.outcomes.size === 3);
    worker.drain();
    expect((await worker.done).recorded).toBe(3);
    expect(client.outcomes.get('1.1')).toMatchObject({ kind: 'failed', errorCode: 'INVALID_JSON' });
    expect(client.outcomes.get('1.2')).toEqual(SUCCEEDED);
  });

  it('registers anew when the conductor no longer knows it', async () => {
    const client = new FakeConductor();
    let isForgotten = true;
    client.beforeCall = (name) => {
      if (name !== 'acquire' || !isForgotten) return;
      isForgotten = false;
      throw new MaestroError('LEASE_LOST', 'unknown worker');
    };
    client.queue(leaseOf());
    const worker = startWorker(client, async () => SUCCEEDED, {
      pause: () => new Promise((resolve) => setImmediate(resolve)),
    });
    await client.until(() => client.outcomes.size === 1);
    worker.drain();
    await worker.done;
    expect(client.hellos).toHaveLength(2);
  });

  it('ends with the error when the conductor refuses to register it', async () => {
    const client = new FakeConductor();
    client.beforeCall = () => {
      throw new MaestroError('CONFLICT', 'registered already');
    };
    await expect(startWorker(client, () => SUCCEEDED).done).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('hands its steps back when it gives up', async () => {
    const client = new FakeConductor();
    const { execute, started, attempts } = manualExecutor();
    const abandon = new AbortController();
    client.queue(leaseOf());
    const worker = startWorker(client, execute, { abandon: abandon.signal });
    await started(1);
    abandon.abort();
    expect(await worker.done).toEqual({ recorded: 0, lost: 1 });
    expect(attempts[0]?.stopped).toBe('lost');
    expect(client.hasLeft).toBe(true);
  });

  it('turns a crash of the executor into a failure of class infra', async () => {
    const client = new FakeConductor();
    client.queue(leaseNumber(0), leaseNumber(1));
    const worker = startWorker(client, ({ lease }) => {
      if (lease.stepId === '1.0') throw new Error('boom');
      return Promise.reject(new Error('bang'));
    });
    await client.until(() => client.outcomes.size === 2);
    worker.drain();
    await worker.done;
    for (const outcome of client.outcomes.values())
      expect(outcome).toMatchObject({ kind: 'failed', errorClass: 'infra', errorCode: 'INTERNAL' });
  });

  it('moves more than 50,000 no-op steps a second through an in-memory conductor', async () => {
    const client = new FakeConductor();
    const total = 100_000;
    const ready: Lease[] = Array.from({ length: total }, (_, i) => leaseNumber(i));
    let completed = 0;
    let at = 0;
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const take = (room: number): readonly Lease[] => ready.slice(at, (at += Math.min(room, ready.length - at)));
    client.acquire = async (_worker, room, _wait, signal) => {
      if (at >= ready.length)
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      return take(room);
    };
    client.complete = async (_worker, completions, room) => {
      completed += completions.length;
      if (completed === total) finish();
      return { answers: completions.map(() => 'recorded' as const), leases: take(room) };
    };
    const startedAt = performance.now();
    const worker = startWorker(client, async () => SUCCEEDED, {}, 512);
    await finished;
    const stepsPerSecond = total / ((performance.now() - startedAt) / 1000);
    worker.drain();
    await worker.done;
    console.log(`worker loop: ${Math.round(stepsPerSecond)} steps/s`);
    expect(stepsPerSecond).toBeGreaterThan(50_000);
  });
});
