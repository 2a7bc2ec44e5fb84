import { compilePlan } from '../../../src/engine/compiled-plan.ts';
import {
  type Admission,
  type RunFact,
  type RunGraph,
  type RunState,
  STEP_NEW,
  type StepState,
  UPSTREAM,
} from '../../../src/engine/run-state.ts';
import { transition } from '../../../src/engine/transition.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import { isRunFinal } from '../../../src/protocol/run.ts';
import { planOf } from '../../fakes/plans.ts';
import type { Condition } from './random-plans.ts';

export type Ending = 'succeeded' | 'done' | 'failed' | 'cancelled' | 'retry-later';

/** A run by `transition` alone: admission is a table, leases are granted by hand, timers fire at once. */
export class Model {
  readonly graph: RunGraph;
  state: RunState;
  /** Called with every fact, the state before and after, and the answer. */
  onFact: (fact: RunFact, before: RunState, answer: ReturnType<typeof transition>) => void = () => {};

  constructor(steps: readonly PlanStep[]) {
    this.graph = compilePlan(planOf(steps)).graph;
    const states = steps.map((step): StepState => ({ ...STEP_NEW, pending: step.needs.length }));
    this.state = { status: 'running', flags: 0, steps: states, open: states.length };
    this.settle();
  }

  get isOver(): boolean {
    return isRunFinal(this.state.status);
  }

  indexes(...statuses: readonly StepState['status'][]): readonly number[] {
    return this.state.steps.flatMap((step, idx) => (statuses.includes(step.status) ? [idx] : []));
  }

  step(idx: number): StepState {
    return this.state.steps[idx] as StepState;
  }

  planStep(idx: number): PlanStep {
    const { steps, compensated } = this.graph;
    return (steps[idx] ?? steps[compensated[idx - steps.length] ?? -1]) as PlanStep;
  }

  apply(fact: RunFact): boolean {
    const before = this.state;
    const answer = transition(this.graph, before, fact);
    this.onFact(fact, before, answer);
    this.state = answer.run;
    return answer.changed.length + answer.effects.length > 0;
  }

  /** What a conductor does of itself: judges what is free, lets time pass. */
  settle(): void {
    for (let idx = this.#next(); idx !== undefined; idx = this.#next()) {
      const { generation, hold, status } = this.step(idx);
      if (status === 'held' && hold === 'wait') this.apply({ type: 'hold-passed', idx, generation });
      else this.apply({ type: 'admitted', idx, generation, admission: this.admission(idx) });
    }
    this.apply({ type: 'revisited' });
  }

  /** As the store grants a lease. */
  lease(idx: number): number {
    const step = this.step(idx);
    const leased: StepState = { ...step, status: 'running', attempt: step.attempt + 1, fence: step.fence + 1 };
    this.state = { ...this.state, steps: this.state.steps.with(idx, leased) };
    return leased.fence;
  }

  end(idx: number, fence: number, ending: Ending): boolean {
    const { loop, continueOnError } = this.planStep(idx);
    const isPlan = idx < this.graph.steps.length;
    const isChanged = this.apply({
      type: 'attempt-ended',
      idx,
      fence,
      outcome: ending === 'done' ? 'succeeded' : ending,
      errorClass: 'step',
      message: ending,
      isAbsorbed: isPlan && continueOnError === true && (ending !== 'succeeded' || loop !== undefined),
      isLoopDone: isPlan && loop !== undefined && ending !== 'failed' ? ending === 'done' : null,
      chance: 0,
    });
    this.settle();
    return isChanged;
  }

  lose(idx: number, fence: number, isCounted: boolean): void {
    const isAbsorbed = idx < this.graph.steps.length && this.planStep(idx).continueOnError === true;
    this.apply({ type: 'lease-lost', idx, fence, isCounted, isAbsorbed, chance: 0 });
    this.settle();
  }

  /** A person's answer to the hold. */
  answer(idx: number, isApproved: boolean): void {
    const { hold, generation } = this.step(idx);
    // Others have a say too: until all agree it goes on waiting, for something else each time.
    this.apply({ type: 'hold-noted', idx, generation, reason: `waits ${generation}`, delayMs: 1000 });
    if (!isApproved) this.apply({ type: 'hold-denied', idx, generation, reason: 'no' });
    else if (hold === 'gate') this.apply({ type: 'hold-passed', idx, generation });
    else this.apply({ type: 'admitted', idx, generation, admission: { type: 'ready' } });
    this.settle();
  }

  cancel(): void {
    this.apply({ type: 'cancel-requested', reason: 'enough' });
    this.settle();
  }

  admission(idx: number): Admission {
    const step = this.planStep(idx);
    if (idx >= this.graph.steps.length) return { type: 'ready' };
    if (!holds(step.if as Condition, this.step(idx).flags)) return { type: 'skip', reason: 'its condition is false' };
    if (step.kind === 'work') return { type: 'ready' };
    return { type: 'hold', kind: step.kind, reason: 'waits', delayMs: step.kind === 'wait' ? 0 : null };
  }

  #next(): number | undefined {
    if (this.isOver) return undefined;
    const found = this.state.steps.findIndex(
      (step) =>
        (step.status === 'pending' && step.pending === 0) ||
        (step.status === 'held' && (step.hold === 'backoff' || step.hold === 'wait')),
    );
    return found < 0 ? undefined : found;
  }
}

function holds(condition: Condition, flags: number): boolean {
  const hasFailed = (flags & UPSTREAM.failed) !== 0;
  const table = {
    'always()': true,
    '!cancelled()': true,
    'failure()': hasFailed,
    'success() || failure()': flags === 0 || hasFailed,
    false: false,
    none: flags === 0,
  };
  return table[condition ?? 'none'];
}
