import type { Lease } from '../protocol/lease.ts';
import type { TickCompletion } from '../store/ticks.ts';

/** One `complete` of a worker, waiting for its tick. */
export interface CompleteCall {
  readonly worker: number;
  readonly completions: readonly TickCompletion[];
  readonly room: number;
  resolve(answer: CompleteAnswer): void;
  reject(error: unknown): void;
}

export interface CompleteAnswer {
  /** `stepId@fence` of the completions that changed nothing. */
  readonly refused: ReadonlySet<string>;
  readonly leases: readonly Lease[];
}

/** One `acquire` that is held open. */
export interface Waiter {
  readonly worker: number;
  readonly room: number;
  /** False once it was answered, timed out or was given up. */
  isOpen: boolean;
  resolve(leases: readonly Lease[]): void;
  reject(error: unknown): void;
}

const NO_LEASES: readonly Lease[] = [];

/** The queues that a worker serves. */
export interface ServedQueues {
  /** Equal for workers that serve the same queues. */
  readonly key: string;
  /** As an int[] literal; that of a worker which serves all classes grows as plans bring new ones. */
  literal(): string;
}

/** Workers that serve the same queues, and what they wait for. */
export class WorkerGroup {
  readonly queues: ServedQueues;
  /** Ticks in flight. */
  busy = 0;
  /** The queue may hold steps: somebody said so, or nobody has looked yet. A tick that finds it empty settles that. */
  hasNews = true;
  /** Queue positions up to here are taken. */
  mark = 0;
  /** Grows with each full look that is asked for. */
  epoch = 0;
  #isClosed = false;
  #calls: CompleteCall[] = [];
  #waiters: Waiter[] = [];

  constructor(queues: ServedQueues) {
    this.queues = queues;
  }

  get hasCalls(): boolean {
    return this.#calls.length > 0;
  }

  get hasWaiters(): boolean {
    return this.#waiters.length > 0;
  }

  get isIdle(): boolean {
    return this.busy === 0 && !this.hasCalls && !this.hasWaiters;
  }

  /** Rows may have committed behind the mark. */
  lookAtAll(): void {
    this.mark = 0;
    this.epoch++;
  }

  enqueue(call: Pick<CompleteCall, 'worker' | 'completions' | 'room'>, pump: () => void): Promise<CompleteAnswer> {
    if (call.completions.length === 0) return Promise.resolve({ refused: new Set(), leases: NO_LEASES });
    return new Promise((resolve, reject) => {
      this.#calls.push({ ...call, resolve, reject });
      pump();
    });
  }

  wait(worker: number, room: number, waitMs: number, signal: AbortSignal): Promise<readonly Lease[]> {
    if (signal.aborted || room <= 0) return Promise.resolve(NO_LEASES);
    return new Promise((resolve, reject) => {
      const close = (): void => {
        waiter.isOpen = false;
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
      };
      const waiter: Waiter = {
        worker,
        room,
        isOpen: true,
        resolve: (leases) => {
          close();
          resolve(leases);
        },
        reject: (error) => {
          close();
          reject(error);
        },
      };
      const giveUp = (): void => this.#giveUp(waiter);
      const timer = setTimeout(giveUp, waitMs);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Whole calls, until together they hold `max` completions. */
  takeCalls(max: number): readonly CompleteCall[] {
    let count = 0;
    let end = 0;
    while (end < this.#calls.length && count < max) count += this.#calls[end++]?.completions.length ?? 0;
    return this.#calls.splice(0, end);
  }

  /** Takes the waiters out, so that no other tick offers their room as well. */
  takeWaiters(): readonly Waiter[] {
    const taken = this.#waiters;
    this.#waiters = [];
    return taken;
  }

  /** Gives waiters what was leased for them; those who got nothing wait on. */
  answer(waiters: readonly Waiter[], byWorker: Map<number, Lease[]>): void {
    for (const waiter of waiters) {
      const leases = byWorker.get(waiter.worker)?.splice(0, waiter.room) ?? [];
      // Leases for one who has gone are given out again when its worker does not name them.
      if (leases.length > 0 || !waiter.isOpen || this.#isClosed) waiter.resolve(leases);
      else this.#waiters.push(waiter);
    }
  }

  putBack(waiters: readonly Waiter[], error: unknown): void {
    for (const waiter of waiters) waiter.reject(error);
  }

  close(): void {
    this.#isClosed = true;
    for (const waiter of this.takeWaiters()) waiter.resolve(NO_LEASES);
  }

  /** A waiter whose tick is in flight is answered by that tick, lest a lease is dropped on the floor. */
  #giveUp(waiter: Waiter): void {
    waiter.isOpen = false;
    if (this.#waiters.includes(waiter)) waiter.resolve(NO_LEASES);
  }
}

/** The worker of each step that a tick may lease. */
export function slotsOf(calls: readonly CompleteCall[], waiters: readonly Waiter[], max: number): readonly number[] {
  const slots: number[] = [];
  for (const { worker, room } of [...calls, ...waiters]) {
    for (let i = 0; i < room && slots.length < max; i++) slots.push(worker);
  }
  return slots;
}
