import type { Clock } from '../base/clock.ts';
import { ulid } from '../base/ids.ts';
import type { Database } from '../store/database.ts';
import { claimOutbox } from '../store/outbox.ts';
import { removeEndedQueues } from '../store/queues.ts';
import type { Scope } from '../store/scope.ts';
import { dueTimers, nextTimerMs } from '../store/timers.ts';
import { abandonedSteps, removeSilentWorkers } from '../store/workers.ts';
import type { Settler } from './settler.ts';

const TIMERS_MAX = 256;
const QUEUES_MAX = 1000;
/** Between the name of a run and its row lie moments. */
const UNBORN_MS = 3_600_000;
const SETTLE_CLAIM_MS = 10_000;
/** Sweeps of a busy process come late by less than this. */
const SLEEP_SLACK_MS = 5000;
/** A lease that its worker does not name this long after it was granted never reached it. */
const UNNAMED_MS = 10_000;
/** The floor: timers that other conductors set are seen at least this often. */
const TIMER_POLL_MS = 1000;

export interface TimekeeperTools {
  readonly db: Database;
  readonly settler: Settler;
  readonly clock: Clock;
  readonly scope: () => Scope;
  readonly expireAfterMs: number;
  readonly sweepEveryMs: number;
  /** Runs in whose concurrency group another one may start. */
  readonly advanceGroups: () => Promise<void>;
  readonly seal: () => Promise<void>;
  readonly register: () => Promise<void>;
  /** Reads again what other conductors may have added. */
  readonly refresh: () => Promise<void>;
  /** Removes what nobody will ask for again. */
  readonly tidy: () => Promise<void>;
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
  #sweeping: Promise<void> = Promise.resolve();
  /** Wall-clock time of the last sweep, and of the end of the last sleep; 0: there was none. */
  #sweptAt: number;
  #awakeSince = 0;
  /** A timer was set while others fired. */
  #isAgain = false;

  constructor(tools: TimekeeperTools) {
    this.#tools = tools;
    this.#sweptAt = tools.clock.now();
  }

  start(): void {
    this.#sweeper = setInterval(() => void this.sweep().catch(this.#tools.onError), this.#tools.sweepEveryMs);
    this.#sweeper.unref();
    this.lookAtTimers();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#sweeper);
    await this.#firing;
    await this.#sweeping.catch(() => {});
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

  /** Gives out again what nobody works on, and takes up what a crash left behind. Sweeps follow one another. */
  sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.catch(() => {}).then(() => this.#sweep());
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { db, settler, clock, expireAfterMs } = this.#tools;
    if (this.#isClosed) return;
    await this.#tools.refresh();
    this.lookAtTimers();
    if (this.#wasAwake()) {
      const abandoned = await abandonedSteps(db, this.#tools.scope(), expireAfterMs, UNNAMED_MS);
      await this.#each(abandoned, (step) =>
        settler.settle(step.run, { type: 'lost', idx: step.idx, fence: step.fence, isCounted: true }),
      );
      await removeSilentWorkers(db, expireAfterMs);
    }
    await removeEndedQueues(db, ulid(clock.now() - UNBORN_MS, new Uint8Array(16)), QUEUES_MAX);
    await this.recover();
    await this.#tools.tidy();
  }

  /** Takes up what stands in the outbox. */
  async recover(): Promise<void> {
    const { db, settler } = this.#tools;
    const unsettled = await claimOutbox(db, this.#tools.scope(), 'settle', TIMERS_MAX, SETTLE_CLAIM_MS);
    await this.#each(unsettled, (item) => settler.settle(item.run, { type: 'sweep' }));
    await this.#tools.advanceGroups();
    await this.#tools.seal();
    await this.#tools.register();
  }

  /** One run that cannot be settled must not keep the others from it. */
  async #each<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
    await Promise.all(items.map((item) => act(item).catch(this.#tools.onError)));
  }

  /**
   * Whether this machine has been awake for as long as a worker may be silent. After a sleep its own workers, whose
   * timers slept as well, are silent through no fault of theirs: they get the time to speak first.
   */
  #wasAwake(): boolean {
    const now = this.#tools.clock.now();
    if (now - this.#sweptAt > 2 * this.#tools.sweepEveryMs + SLEEP_SLACK_MS) this.#awakeSince = now;
    this.#sweptAt = now;
    return this.#awakeSince === 0 || now - this.#awakeSince > this.#tools.expireAfterMs;
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
    await this.#each(due, (timer) =>
      settler.settle(timer.run, { type: 'timer', idx: timer.idx, generation: timer.generation }),
    );
    return Math.min(TIMER_POLL_MS, (await nextTimerMs(db, scope)) ?? TIMER_POLL_MS);
  }
}
