import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFinal, type RunFact, type RunState, type StepState } from '../../../src/engine/run-state.ts';
import { transition } from '../../../src/engine/transition.ts';
import { planStep } from '../../fakes/plans.ts';
import { type Ending, Model } from './model.ts';
import { randomSteps } from './random-plans.ts';

type What = 'end' | 'lose' | 'answer' | 'cancel' | 'stale';
interface Move {
  readonly what: What;
  readonly pick: number;
  readonly ending: Ending;
  readonly flag: boolean;
}

const endings: fc.Arbitrary<Ending> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('succeeded' as const) },
  { weight: 2, arbitrary: fc.constant('done' as const) },
  { weight: 3, arbitrary: fc.constant('failed' as const) },
  { weight: 1, arbitrary: fc.constantFrom('cancelled' as const, 'retry-later' as const) },
);
const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.record({
    what: fc.oneof(
      { weight: 10, arbitrary: fc.constant('end' as const) },
      { weight: 2, arbitrary: fc.constantFrom('lose' as const, 'answer' as const, 'stale' as const) },
      { weight: 1, arbitrary: fc.constant('cancel' as const) },
    ),
    pick: fc.nat(1000),
    ending: endings,
    flag: fc.boolean(),
  }),
  { maxLength: 30 },
);

/** Facts that were true once, or never. */
function staleFacts(state: RunState, { pick, flag }: Move): readonly RunFact[] {
  const idx = pick % state.steps.length;
  const step = state.steps[idx] as StepState;
  const isLeased = step.status === 'running' || step.status === 'stopping';
  const ended = {
    type: 'attempt-ended',
    outcome: 'succeeded',
    errorClass: 'step',
    message: '',
    isAbsorbed: flag,
    isLoopDone: flag,
    chance: 0,
  } as const;
  const fence = isLeased ? step.fence - 1 : step.fence;
  const old = step.generation - 1;
  return [
    { ...ended, idx, fence },
    { ...ended, idx, fence: step.fence + 1 },
    { type: 'lease-lost', idx, fence, isCounted: flag, isAbsorbed: flag, chance: 0 },
    { type: 'hold-passed', idx, generation: old },
    { type: 'hold-denied', idx, generation: old, reason: 'late' },
    { type: 'hold-noted', idx, generation: old, reason: 'late', delayMs: 1 },
    { type: 'admitted', idx, generation: old, admission: { type: 'ready' } },
    { type: 'admitted', idx, generation: old, admission: { type: 'deny', reason: 'late' } },
    ...(isFinal(step) || isLeased
      ? ([{ type: 'admitted', idx, generation: step.generation, admission: { type: 'skip', reason: 'late' } }] as const)
      : []),
    { type: 'released' },
  ];
}

function frozen(state: RunState): RunState {
  for (const step of state.steps) Object.freeze(step);
  Object.freeze(state.steps);
  return Object.freeze(state);
}

/** Holds every single transition to the laws. */
function watch(model: Model): void {
  model.onFact = (fact, before, answer) => {
    const again = transition(model.graph, frozen(structuredClone(before)), fact);
    expect(again, 'the same input gives the same answer, and the input is not touched').toEqual(answer);
    answer.run.steps.forEach((after, idx) => {
      const was = before.steps[idx];
      if (!was) return;
      expect(after.attempt).toBeGreaterThanOrEqual(was.attempt);
      expect(after.fence).toBe(was.fence);
      expect(after.generation).toBeGreaterThanOrEqual(was.generation);
      expect(after.iteration).toBeGreaterThanOrEqual(was.iteration);
      expect(isFinal(was) ? { ...after, flags: was.flags } : was, 'what is final stays').toEqual(was);
    });
    const { run } = answer;
    expect(run.open, 'open steps are counted').toBe(run.steps.filter((step) => !isFinal(step)).length);
    answer.run.steps.slice(0, model.graph.steps.length).forEach((step, idx) => {
      const needs = model.graph.steps[idx]!.needs.map((id) => run.steps[Number(id.slice(1))] as StepState);
      const hasBegun = ['ready', 'running', 'stopping', 'held', 'succeeded'].includes(step.status);
      expect(!hasBegun || needs.every(isFinal), 'nothing begins before its dependencies are final').toBe(true);
      const isCounted = run.status !== 'cancelling' && run.status !== 'cancelled' && step.status === 'pending';
      const open = needs.filter((need) => !isFinal(need)).length;
      expect(isCounted ? step.pending : open, 'what a step waits for is counted').toBe(open);
    });
    compensationsInOrder(model, run);
  };
}

function compensationsInOrder(model: Model, run: RunState): void {
  const { steps, compensated } = model.graph;
  const behind = run.steps.slice(steps.length);
  behind.forEach((step, i) => {
    const source = run.steps[compensated[i] as number] as StepState;
    if (step.status !== 'skipped') expect(source.status, 'only successes are undone').toBe('succeeded');
    const isActive =
      ['ready', 'running', 'stopping'].includes(step.status) || step.status === 'succeeded' || step.status === 'failed';
    if (isActive) expect(behind.slice(0, i).every(isFinal), 'one after the other, last first').toBe(true);
  });
}

function expectIgnored(model: Model, move: Move): void {
  const before = model.state;
  const ignored = staleFacts(before, move).filter((fact) => !model.apply(fact));
  expect(ignored, 'stale facts change nothing').toHaveLength(staleFacts(before, move).length);
  expect(model.state).toEqual(before);
}

/** Leases what is ready, then lets one thing happen. */
function happen(model: Model, move: Move): void {
  for (const idx of model.indexes('ready')) model.lease(idx);
  const leased = model.indexes('running', 'stopping');
  const held = model.indexes('held');
  if (move.what === 'cancel') return model.cancel();
  if (move.what === 'stale') return expectIgnored(model, move);
  if (move.what === 'answer' || leased.length === 0) {
    const idx = held[move.pick % held.length];
    if (idx !== undefined) model.answer(idx, move.flag);
    return;
  }
  const idx = leased[move.pick % leased.length] as number;
  const { fence } = model.step(idx);
  if (move.what === 'lose') return model.lose(idx, fence, move.flag);
  expect(model.end(idx, fence, move.ending)).toBe(true);
  const before = model.state;
  model.end(idx, fence, 'failed');
  expect(model.state, 'no attempt ends twice').toEqual(before);
}

/** Everybody does their work from here on. */
function finish(model: Model): void {
  for (let turns = 0; !model.isOver; turns++) {
    if (turns > 500) throw new Error(`the run does not end: ${JSON.stringify(model.state)}`);
    for (const idx of model.indexes('ready')) model.lease(idx);
    const [leased] = model.indexes('running', 'stopping');
    const [held] = model.indexes('held');
    if (leased !== undefined) model.end(leased, model.step(leased).fence, 'done');
    else if (held !== undefined) model.answer(held, true);
    else throw new Error(`nothing can happen, yet the run is open: ${JSON.stringify(model.state)}`);
  }
}

describe('transition', () => {
  it('keeps its laws for any plan and any order of facts, and every run ends', () => {
    fc.assert(
      fc.property(randomSteps, moves, (steps, happenings) => {
        const model = new Model(steps);
        watch(model);
        for (const move of happenings) if (!model.isOver) happen(model, move);
        finish(model);
        expectVerdict(model);
      }),
      { numRuns: 400 },
    );
    expect.hasAssertions();
  });

  it('changes nothing of a run that is over', () => {
    fc.assert(
      fc.property(randomSteps, moves, (steps, happenings) => {
        const model = new Model(steps);
        finish(model);
        for (const move of happenings)
          for (const fact of [...staleFacts(model.state, move), { type: 'cancel-requested', reason: 'late' } as const])
            expect(transition(model.graph, model.state, fact)).toEqual({ run: model.state, changed: [], effects: [] });
      }),
      { numRuns: 50 },
    );
  });

  it('begins nothing while the run waits in its group', () => {
    const model = new Model([planStep('s0')]);
    const queued: RunState = { ...model.state, status: 'queued', steps: [{ ...model.step(0), status: 'pending' }] };
    const answer = transition(model.graph, queued, {
      type: 'admitted',
      idx: 0,
      generation: 0,
      admission: { type: 'ready' },
    });
    expect(answer.changed).toEqual([]);
    expect(transition(model.graph, queued, { type: 'released' }).run.status).toBe('running');
  });

  it('never lets a denial count as success, whatever continue-on-error says', () => {
    const model = new Model([
      planStep('s0', { kind: 'gate', continueOnError: true }),
      planStep('s1', { needs: ['s0'] }),
    ]);
    model.answer(0, false);
    expect(model.state.steps.map((step) => step.status)).toEqual(['denied', 'skipped']);
    expect(model.state.status).toBe('failed');
  });

  it('holds a lost step that may not run twice, and refusing it fails it', () => {
    const model = new Model([planStep('s0', { isIdempotent: false })]);
    model.lose(0, model.lease(0), true);
    expect(model.step(0)).toMatchObject({ status: 'held', hold: 'unknown-outcome' });
    model.answer(0, false);
    expect(model.state.status).toBe('failed');
  });

  it('holds a step that may not run twice also when its worker gives it back', () => {
    const model = new Model([planStep('s0', { isIdempotent: false })]);
    model.end(0, model.lease(0), 'cancelled');
    expect(model.step(0)).toMatchObject({ status: 'held', hold: 'unknown-outcome' });
  });
});

/** The run's verdict follows from its steps. */
function expectVerdict(model: Model): void {
  const own = model.state.steps.slice(0, model.graph.steps.length);
  expect(model.state.steps.every(isFinal)).toBe(true);
  const isBroken = own.some(
    (step, idx) =>
      step.status === 'denied' || (step.status === 'failed' && model.graph.steps[idx]?.continueOnError !== true),
  );
  expect(isBroken && model.state.status === 'succeeded', 'a failure shows').toBe(false);
  const isClean = own.every((step) => step.status === 'succeeded');
  expect(isClean && model.state.status === 'failed', 'a success shows').toBe(false);
}

describe('what follows a step, as for the jobs of GitHub Actions', () => {
  const table: readonly [
    before: Ending | 'skipped' | 'absorbed',
    condition: string | undefined,
    after: 'ready' | 'skipped',
  ][] = [
    ['succeeded', undefined, 'ready'],
    ['succeeded', 'always()', 'ready'],
    ['succeeded', 'failure()', 'skipped'],
    ['succeeded', '!cancelled()', 'ready'],
    ['succeeded', 'success() || failure()', 'ready'],
    ['failed', undefined, 'skipped'],
    ['failed', 'always()', 'ready'],
    ['failed', 'failure()', 'ready'],
    ['failed', '!cancelled()', 'ready'],
    ['failed', 'success() || failure()', 'ready'],
    ['skipped', undefined, 'skipped'],
    ['skipped', 'always()', 'ready'],
    ['skipped', 'failure()', 'skipped'],
    ['skipped', '!cancelled()', 'ready'],
    ['absorbed', undefined, 'ready'],
    ['absorbed', 'failure()', 'skipped'],
  ];
  for (const [before, condition, after] of table) {
    it(`${before}, then if: ${condition ?? '(none)'} makes it ${after}, also behind a step between`, () => {
      for (const between of [false, true]) {
        const first = planStep('s0', {
          continueOnError: before === 'absorbed',
          retry: { ...planStep('x').retry, on: [] },
          ...(before === 'skipped' ? { if: 'false' } : {}),
        });
        const middle = planStep('s1', { needs: ['s0'] });
        const last = planStep('last', { needs: [between ? 's1' : 's0'], ...(condition ? { if: condition } : {}) });
        const steps = between ? [first, middle, last] : [first, last];
        const model = new Model(steps);
        if (before !== 'skipped') model.end(0, model.lease(0), before === 'absorbed' ? 'failed' : before);
        if (model.step(1).status === 'ready' && between) model.end(1, model.lease(1), 'succeeded');
        expect(model.step(steps.length - 1).status).toBe(after);
      }
    });
  }
});
