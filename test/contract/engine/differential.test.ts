import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { localPrincipal } from '../../../src/base/principal.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { nameOf, STEP_STATES } from '../../../src/store/codes.ts';
import { type Ending, Model } from '../../unit/engine/model.ts';
import { randomSteps } from '../../unit/engine/random-plans.ts';
import { onEveryStore } from './engines.ts';
import { TestWorker, type World } from './world.ts';

/** More of them with MAESTRO_TEST_DIFFERENTIAL_RUNS=1000. */
const RUNS = Number(process.env.MAESTRO_TEST_DIFFERENTIAL_RUNS ?? 25);
const AGREE_WITHIN_MS = 4000;

interface Move {
  readonly what: 'end' | 'leave' | 'answer' | 'cancel' | 'again';
  readonly pick: number;
  readonly ending: Ending;
  readonly flag: boolean;
  /** Whether the answer to a completion may carry leases. */
  readonly room: number;
}

const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.record({
    what: fc.oneof(
      { weight: 12, arbitrary: fc.constant('end' as const) },
      { weight: 2, arbitrary: fc.constantFrom('leave' as const, 'answer' as const, 'again' as const) },
      { weight: 1, arbitrary: fc.constant('cancel' as const) },
    ),
    pick: fc.nat(1000),
    ending: fc.oneof(
      { weight: 5, arbitrary: fc.constant('succeeded' as const) },
      { weight: 2, arbitrary: fc.constantFrom('done' as const, 'failed' as const) },
      { weight: 1, arbitrary: fc.constantFrom('cancelled' as const, 'retry-later' as const) },
    ),
    flag: fc.boolean(),
    room: fc.constantFrom(0, 1, 64),
  }),
  { maxLength: 20 },
);

/** The same run twice: in the store, by ticks and settlements, and in memory, by `transition` alone. */
class Pair {
  readonly world: World;
  readonly run: number;
  readonly model: Model;
  worker: TestWorker;
  readonly held = new Map<number, Lease>();
  /** What was completed, to be sent again. */
  readonly sent: { readonly lease: Lease; readonly outcome: Outcome }[] = [];

  constructor(world: World, run: number, model: Model, worker: TestWorker) {
    this.world = world;
    this.run = run;
    this.model = model;
    this.worker = worker;
  }

  async happen(move: Move): Promise<void> {
    await this.leaseAll();
    const leased = [...this.held.keys()].sort((a, b) => a - b);
    const waiting = this.model.indexes('held');
    if (move.what === 'cancel') {
      await this.world.engine.cancelRun(this.run, 'enough');
      this.model.cancel();
    } else if (move.what === 'leave') await this.leave();
    else if (move.what === 'again') await this.sendAgain(move.pick);
    else if (leased.length > 0 && (move.what === 'end' || waiting.length === 0))
      await this.end(leased[move.pick % leased.length] as number, move.ending, move.room);
    else if (waiting.length > 0) await this.answer(waiting[move.pick % waiting.length] as number, move.flag);
    await this.agree();
  }

  async end(idx: number, ending: Ending, room: number): Promise<void> {
    const lease = this.held.get(idx) as Lease;
    this.held.delete(idx);
    const outcome: Outcome = {
      kind: ending === 'done' ? 'succeeded' : ending,
      ...(ending === 'failed' ? { errorClass: 'step', message: 'failed' } : {}),
      ...(ending === 'done' ? { outputs: { done: 'yes' } } : {}),
    };
    const { stepId, fence } = lease;
    const { answers, leases } = await this.worker.engine.leases.complete(
      this.worker.id,
      [{ stepId, fence, outcome }],
      room,
    );
    assert.deepEqual(answers, ['recorded']);
    this.sent.push({ lease, outcome });
    this.model.end(idx, fence, ending);
    this.take(leases);
  }

  async sendAgain(pick: number): Promise<void> {
    const one = this.sent[pick % this.sent.length];
    if (!one) return;
    const { stepId, fence } = one.lease;
    const again = await this.worker.complete({ stepId, fence }, one.outcome);
    const isNewest = fence === this.model.step(Number(stepId.split('.')[1])).fence;
    assert.equal(again, isNewest ? 'recorded' : 'lost');
    assert.equal(await this.worker.complete({ stepId, fence: fence - 1 }, one.outcome), 'lost');
  }

  /** The worker goes, and another one comes. */
  async leave(): Promise<void> {
    await this.worker.leave();
    for (const [idx, { fence }] of [...this.held].sort(([a], [b]) => a - b)) this.model.lose(idx, fence, false);
    this.held.clear();
    this.worker = await TestWorker.register(this.world.engine);
  }

  async answer(idx: number, isApproved: boolean): Promise<void> {
    await this.world.engine.answerGate(this.run, {
      gate: this.world.engine ? idOf(this.model, idx) : '',
      decision: isApproved ? 'approve' : 'deny',
      reason: '',
      principal: localPrincipal('bo'),
      isAuthor: false,
    });
    this.model.answer(idx, isApproved);
  }

  async leaseAll(): Promise<void> {
    for (let tries = 0; this.model.indexes('ready').length > 0; tries++) {
      if (tries > 50)
        throw new Error(`steps ${this.model.indexes('ready').join()} are ready, but nobody can lease them`);
      this.take(await this.worker.engine.leases.acquire(this.worker.id, 64, 200, new AbortController().signal));
    }
  }

  take(leases: readonly Lease[]): void {
    for (const lease of leases) {
      const [run, idx] = lease.stepId.split('.').map(Number) as [number, number];
      assert.equal(run, this.run);
      assert.equal(this.model.step(idx).status, 'ready', `${lease.step.id} is ready when it is leased`);
      assert.equal(this.model.lease(idx), lease.fence);
      this.held.set(idx, lease);
    }
  }

  async finish(): Promise<void> {
    for (let turns = 0; !this.model.isOver; turns++) {
      if (turns > 200) throw new Error('the run does not end');
      await this.leaseAll();
      const [leased] = this.held.keys();
      const [held] = this.model.indexes('held');
      if (leased !== undefined) await this.end(leased, 'done', 64);
      else if (held !== undefined) await this.answer(held, true);
      await this.agree();
    }
  }

  /** Waits until the store shows the state of the model: what the tick leaves to the slow path follows a moment later. */
  async agree(): Promise<void> {
    const wanted = this.model.state.steps.map((s) => [
      s.status,
      s.pending,
      s.flags,
      s.attempt,
      s.retries,
      s.iteration,
      s.fence,
    ]);
    for (const until = Date.now() + AGREE_WITHIN_MS; ; ) {
      const rows = await this.world.sql(
        `select state, pending, flags, attempt, retries, iteration, fence from step where run_id = ${this.run} order by idx`,
      );
      const seen = rows.map(([state, ...rest]) => [nameOf(STEP_STATES, state), ...rest.map(Number)]);
      const isEqual = JSON.stringify(seen) === JSON.stringify(wanted);
      if (isEqual) return;
      if (Date.now() > until) assert.deepEqual(seen, wanted);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

function idOf(model: Model, idx: number): string {
  const isOwn = idx < model.graph.steps.length;
  return isOwn ? model.planStep(idx).id : `${model.planStep(idx).id}:compensate`;
}

onEveryStore('the store and the state machine', (world) => {
  it('agree after every single happening, for any plan and any order', { timeout: 600_000 }, async () => {
    const w = world();
    await fc.assert(
      fc.asyncProperty(randomSteps, moves, async (steps, happenings) => {
        const worker = await TestWorker.register(w.engine);
        const run = await w.start(steps);
        const pair = new Pair(w, run, new Model(steps), worker);
        try {
          await pair.agree();
          for (const move of happenings) if (!pair.model.isOver) await pair.happen(move);
          await pair.finish();
          expect((await w.end(run)).status).toBe(pair.model.state.status);
        } finally {
          await w.tidy();
          await pair.worker.leave();
        }
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});
