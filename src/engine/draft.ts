import type { PlanStep } from '../pipeline/plan.ts';
import type { RunStatus } from '../protocol/run.ts';
import {
  type Effect,
  isFinal,
  RUN_FLAG,
  type RunGraph,
  type RunState,
  STEP_NEW,
  type StepState,
  type ToldEvent,
  type Transition,
  UPSTREAM,
} from './run-state.ts';

/** A run while a fact is applied to it. What was given is not touched. */
export class Draft {
  readonly graph: RunGraph;
  readonly planSize: number;
  readonly effects: Effect[] = [];
  status: RunStatus;
  flags: number;
  /** Steps that are not final. */
  open: number;
  readonly #before: RunState;
  readonly #changes = new Map<number, StepState>();

  constructor(graph: RunGraph, run: RunState) {
    this.graph = graph;
    this.planSize = graph.steps.length;
    this.status = run.status;
    this.flags = run.flags;
    this.open = run.open;
    this.#before = run;
  }

  step(idx: number): StepState {
    return this.#changes.get(idx) ?? this.#before.steps[idx] ?? STEP_NEW;
  }

  planStep(idx: number): PlanStep {
    const source = idx < this.planSize ? idx : this.graph.compensated[idx - this.planSize];
    const step = this.graph.steps[source ?? -1];
    if (step === undefined) throw new RangeError(`no step ${idx}`);
    return step;
  }

  set(idx: number, change: Partial<StepState>): void {
    const before = this.step(idx);
    const after = { ...before, ...change };
    const isNew = idx >= this.#before.steps.length && !this.#changes.has(idx);
    this.open += (isFinal(after) ? 0 : 1) - (isNew || isFinal(before) ? 0 : 1);
    this.#changes.set(idx, after);
  }

  tell(event: ToldEvent, idx: number | null, data: Readonly<Record<string, string | number>> | null): void {
    this.effects.push({ type: 'tell', event, idx, data });
  }

  /** Makes a step final and counts down what follows. An absorbed failure (`continue-on-error`) counts as success from here on. */
  finish(
    idx: number,
    status: 'succeeded' | 'failed' | 'skipped' | 'cancelled' | 'denied',
    reason: string | null,
    event: ToldEvent,
    isAbsorbed = false,
  ): void {
    const flags = this.step(idx).flags;
    this.set(idx, { status, hold: null, reason });
    this.tell(event, idx, reason === null ? null : { reason });
    const isFailure = (status === 'failed' && !isAbsorbed) || status === 'denied';
    if (isFailure) this.flags |= RUN_FLAG.failed;
    if (status === 'denied') this.flags |= RUN_FLAG.denied;
    const mark =
      flags |
      (isFailure ? UPSTREAM.failed : 0) |
      (status === 'skipped' || status === 'cancelled' ? UPSTREAM.skipped : 0);
    for (const next of this.#successors(idx)) this.#reach(next, idx < this.planSize ? mark : 0);
  }

  result(): Transition {
    const changed = [...this.#changes.keys()].sort((a, b) => a - b);
    if (changed.length === 0 && this.status === this.#before.status)
      return { run: this.#before, changed, effects: this.effects };
    const steps = this.#before.steps.slice();
    for (const [idx, step] of this.#changes) steps[idx] = step;
    return { run: { status: this.status, flags: this.flags, steps, open: this.open }, changed, effects: this.effects };
  }

  #reach(idx: number, mark: number): void {
    const step = this.step(idx);
    if (step.status !== 'pending') return;
    this.set(idx, { pending: step.pending - 1, flags: step.flags | mark });
  }

  #successors(idx: number): readonly number[] {
    if (idx < this.planSize) return this.graph.successors[idx] ?? [];
    return compensationAfter(this.graph, this.#before.steps, idx);
  }
}

/** The compensation that follows another: the next one that has something to undo. */
export function compensationAfter(graph: RunGraph, steps: readonly StepState[], idx: number): readonly number[] {
  const end = graph.steps.length + graph.compensated.length;
  for (let next = idx + 1; next < end; next++) if (steps[next]?.status !== 'skipped') return [next];
  return [];
}
