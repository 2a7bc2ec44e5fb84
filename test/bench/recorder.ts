import { setTimeout as wait } from 'node:timers/promises';
import type { StepBody } from './engine.ts';
import { percentile, rounded } from './statistics.ts';
import type { Workload } from './workloads.ts';

/**
 * The body of every measured step, and the judge of what the engine did with it.
 *
 * Latency of a step = begin of its body minus return of the body of its last need, so it holds the durable record of the
 * need, the wake-up and the lease. For a step without needs it counts from the call of `submit`.
 */
export class Recorder implements StepBody {
  readonly total: number;
  /** Resolves when every step of every run has returned. */
  readonly allReturned: Promise<void>;
  executed = 0;
  #duplicates = 0;
  #orderViolations = 0;
  readonly #workload: Workload;
  readonly #workMs: number;
  readonly #open: Int32Array;
  readonly #freeSince: Float64Array;
  readonly #begun: Uint8Array;
  readonly #stepsLeft: Int32Array;
  readonly #latenciesMs: number[] = [];
  readonly #rootLatenciesMs: number[] = [];
  readonly #runWaiters = new Map<number, () => void>();
  #announceAll: () => void = () => {};

  /** With `workMs` a body takes that long instead of no time at all. */
  constructor(workload: Workload, workMs: number) {
    const { runs, shape } = workload;
    this.#workload = workload;
    this.#workMs = workMs;
    this.total = runs * shape.size;
    this.#freeSince = new Float64Array(this.total);
    this.#begun = new Uint8Array(this.total);
    this.#stepsLeft = new Int32Array(runs).fill(shape.size);
    this.#open = Int32Array.from({ length: this.total }, (_, slot) => shape.needs[slot % shape.size]?.length ?? 0);
    this.allReturned = new Promise((resolve) => {
      this.#announceAll = resolve;
    });
  }

  /** Starts the clock of the run's first steps. */
  noteSubmission(run: number): void {
    const start = (run - this.#workload.firstRun) * this.#workload.shape.size;
    const now = performance.now();
    for (let slot = start; slot < start + this.#workload.shape.size; slot++)
      if (this.#open[slot] === 0) this.#freeSince[slot] = now;
  }

  async execute(run: number, index: number): Promise<void> {
    const offset = run - this.#workload.firstRun;
    if (!this.#begin(offset, index)) return;
    if (this.#workMs > 0) await wait(this.#workMs);
    this.#return(offset, index);
  }

  async runReturned(run: number): Promise<void> {
    const offset = run - this.#workload.firstRun;
    if (this.#stepsLeft[offset] === 0) return;
    await new Promise<void>((resolve) => this.#runWaiters.set(offset, resolve));
  }

  summary(): Record<string, number | null> {
    const steps = this.#latenciesMs.toSorted((a, b) => a - b);
    const roots = this.#rootLatenciesMs.toSorted((a, b) => a - b);
    return {
      executed: this.executed,
      duplicates: this.#duplicates,
      orderViolations: this.#orderViolations,
      stepP50Ms: rounded(percentile(steps, 50), 3),
      stepP95Ms: rounded(percentile(steps, 95), 3),
      stepP99Ms: rounded(percentile(steps, 99), 3),
      rootP50Ms: rounded(percentile(roots, 50), 3),
      rootP95Ms: rounded(percentile(roots, 95), 3),
    };
  }

  /** False where the step ran before: a duplicate, which is counted and does nothing. */
  #begin(offset: number, index: number): boolean {
    const now = performance.now();
    const slot = offset * this.#workload.shape.size + index;
    if (this.#begun[slot] !== 0) {
      this.#duplicates++;
      return false;
    }
    this.#begun[slot] = 1;
    if (this.#open[slot] !== 0) this.#orderViolations++;
    const isRoot = this.#workload.shape.needs[index]?.length === 0;
    (isRoot ? this.#rootLatenciesMs : this.#latenciesMs).push(now - (this.#freeSince[slot] ?? now));
    return true;
  }

  #return(offset: number, index: number): void {
    const now = performance.now();
    const { size, successors } = this.#workload.shape;
    for (const successor of successors[index] ?? []) {
      const slot = offset * size + successor;
      const open = (this.#open[slot] ?? 0) - 1;
      this.#open[slot] = open;
      if (open === 0) this.#freeSince[slot] = now;
    }
    const left = (this.#stepsLeft[offset] ?? 0) - 1;
    this.#stepsLeft[offset] = left;
    if (left === 0) this.#runWaiters.get(offset)?.();
    if (++this.executed === this.total) this.#announceAll();
  }
}
