import type { Database } from '../store/database.ts';
import { claimOutbox } from '../store/outbox.ts';
import type { Scope } from '../store/scope.ts';
import { dueTimers, nextTimerMs } from '../store/timers.ts';
import { abandonedSteps, removeSilentWorkers } from '../store/workers.ts';
import type { Settler } from './settler.ts';

const TIMERS_MAX = 256;
const SETTLE_CLAIM_MS = 10_000;
/** A lease that its worker does not name this long after it was granted never reached it. */
const UNNAMED_MS = 10_000;
/** The floor: timers that other conductors set are seen at least this often. */
const TIMER_POLL_MS = 1000;

export interface TimekeeperTools {
  readonly db: Database;
  readonly settler: Settler;
  readonly scope: () => Scope;
  readonly expireAfterMs: number;
  readonly sweepEveryMs: number;
  /** Runs in whose concurrency group another one may start. */
  readonly advanceGroups: () => Promise<void>;
  readonly seal: () => Promise<void>;
  /** Reads again what other conductors may have added. */
  readonly refresh: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/**
 * What happens because time passes: holds end, leases of dead workers are given out again, and work that a crash left
 * in the outbox is taken up. Safe on every conductor at once: each fact is checked against locked rows before it counts.
 */
export class Timekeeper {
  readonly #tools: TimekeeperTools;
  #timer: NodeJS.Timeout | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #isClosed = false;
  #firing: Promise<void> | undefined;
  /** A timer was set while others fired. */
  #isAgain = false;

  constructor(tools: TimekeeperTools) {
    this.#tools = tools;
  }

  start(): void {
    this.#sweeper = setInterval(() => this.#guard(this.sweep()), this.#tools.sweepEveryMs);
    this.#sweeper.unref();
    this.lookAtTimers();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#sweeper);
    await this.#firing;
  }

  /** A timer may have been set: looks, and plans the next look. */
  lookAtTimers(): void {
    if (this.#isClosed) return;
    if (this.#firing) {
      this.#isAgain = true;
      return;
    }
    this.#firing = this.#fire().finally(() => {
      this.#firing = undefined;
    });
  }

  /** Gives out again what nobody works on, and takes up what a crash left behind. */
  async sweep(): Promise<void> {
    const { db, settler, expireAfterMs } = this.#tools;
    await this.#tools.refresh();
    this.lookAtTimers();
    const abandoned = await abandonedSteps(db, this.#tools.scope(), expireAfterMs, UNNAMED_MS);
    await Promise.all(
      abandoned.map((step) =>
        settler.settle(step.run, { type: 'lost', idx: step.idx, fence: step.fence, isCounted: true }),
      ),
    );
    await removeSilentWorkers(db, expireAfterMs);
    await this.recover();
  }

  /** Takes up what stands in the outbox. */
  async recover(): Promise<void> {
    const { db, settler } = this.#tools;
    const unsettled = await claimOutbox(db, this.#tools.scope(), 'settle', TIMERS_MAX, SETTLE_CLAIM_MS);
    await Promise.all(unsettled.map((item) => settler.settle(item.run, { type: 'sweep' })));
    await this.#tools.advanceGroups();
    await this.#tools.seal();
  }

  async #fire(): Promise<void> {
    do {
      this.#isAgain = false;
      const waitMs = await this.#fireDue().catch((error: unknown) => {
        this.#tools.onError(error);
        return TIMER_POLL_MS;
      });
      clearTimeout(this.#timer);
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => this.lookAtTimers(), waitMs);
      this.#timer.unref();
    } while (this.#isAgain);
  }

  /** Milliseconds until the next look. */
  async #fireDue(): Promise<number> {
    const { db, settler } = this.#tools;
    const scope = this.#tools.scope();
    const due = await dueTimers(db, scope, TIMERS_MAX);
    await Promise.all(
      due.map((timer) => settler.settle(timer.run, { type: 'timer', idx: timer.idx, generation: timer.generation })),
    );
    return Math.min(TIMER_POLL_MS, (await nextTimerMs(db, scope)) ?? TIMER_POLL_MS);
  }

  #guard(work: Promise<void>): void {
    work.catch(this.#tools.onError);
  }
}
