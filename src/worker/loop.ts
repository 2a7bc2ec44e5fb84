import type { Clock } from '../base/clock.ts';
import { ERROR_CODES } from '../base/error-codes.ts';
import { isMaestroError, type MaestroError } from '../base/errors.ts';
import type { LeaseClient, WorkerHello, WorkerSession, WorkerSignal } from '../protocol/lease.ts';
import type { ExecuteStep } from './attempt.ts';
import { HeldAttempts } from './held-attempts.ts';
import { backoffMs, type Pause, REAL_PAUSE } from './pause.ts';

/** How long an idle `acquire` or `signals` call is held open. */
const HOLD_MS = 20_000;
const REPEAT_MS = 200;
/** While the conductor works on one batch of outcomes, the next one travels. */
const COMPLETES_MAX = 2;
const BACKOFF = { initialMs: 50, maxMs: 5000 };

export interface WorkerOptions {
  readonly client: LeaseClient;
  readonly hello: WorkerHello;
  readonly execute: ExecuteStep;
  readonly clock: Clock;
  /** Drains: what is held is finished, nothing more is taken, then the worker leaves. */
  readonly signal: AbortSignal;
  /** Gives up: attempts are stopped and handed back to be run elsewhere. */
  readonly abandon?: AbortSignal;
  readonly pause?: Pause;
  /** Uniform in [0, 1), for the spread of retries. */
  readonly random?: () => number;
}

export interface WorkerReport {
  /** Outcomes that counted. */
  readonly recorded: number;
  /** Attempts that another worker owns by now; their outcomes changed nothing. */
  readonly lost: number;
}

/**
 * Leases steps and runs them until it is told to drain.
 *
 * Four calls are in flight at once and none of them polls: `acquire` while there is room, `complete` while outcomes
 * wait, `renew` on a timer, `signals` all the time. Outcomes that arrive while a `complete` is in flight go together in
 * the next one, and the leases it brings back start at once, so a busy worker does one round trip for many steps.
 *
 * @throws MaestroError when the conductor refuses the worker for good (for example CONFLICT on a second registration)
 */
export async function runWorker(options: WorkerOptions): Promise<WorkerReport> {
  return new WorkerLoop(options).run();
}

class WorkerLoop {
  readonly #options: WorkerOptions;
  readonly #pause: Pause;
  readonly #held: HeldAttempts;
  /** Fires when everything held has ended: it closes the held polls. */
  readonly #ended = new AbortController();
  readonly #draining = new AbortController();
  #session: WorkerSession = { workerId: 0, renewEveryMs: 10_000, expireAfterMs: 30_000 };
  /** Leases that calls in flight may still bring. */
  #promised = 0;
  #wakeAcquire: (() => void) | undefined;
  /** `complete` calls in flight. */
  #completing = 0;
  #isGivenUp = false;
  #failure: unknown;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#pause = options.pause ?? REAL_PAUSE;
    this.#held = new HeldAttempts(options.execute, () => this.#onFinished());
  }

  async run(): Promise<WorkerReport> {
    const { signal, abandon } = this.#options;
    const drain = (): void => this.#drain();
    const giveUp = (): void => this.#giveUp();
    await this.#register();
    signal.addEventListener('abort', drain, { once: true });
    abandon?.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) drain();
    if (abandon?.aborted) giveUp();
    try {
      await Promise.all([this.#acquire(), this.#renew(), this.#listen()]);
    } finally {
      signal.removeEventListener('abort', drain);
      abandon?.removeEventListener('abort', giveUp);
      await this.#leave();
    }
    if (this.#failure !== undefined) throw this.#failure;
    return { recorded: this.#held.recorded, lost: this.#held.lost };
  }

  async #register(): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        this.#session = await this.#options.client.register(this.#options.hello);
        this.#held.workerId = this.#session.workerId;
        return;
      } catch (error) {
        if (isRefusal(error) || this.#options.signal.aborted || this.#options.abandon?.aborted) throw error;
        await this.#backOff(failures, this.#options.signal);
      }
    }
  }

  /** Asks for work while there is room. Room that another call may already fill is not asked for twice. */
  async #acquire(): Promise<void> {
    const { client, hello } = this.#options;
    let failures = 0;
    while (!this.#draining.signal.aborted) {
      const room = hello.capacity - this.#held.openCount - this.#promised;
      if (room <= 0) {
        await new Promise<void>((resolve) => (this.#wakeAcquire = resolve));
        continue;
      }
      this.#promised += room;
      try {
        const leases = await client.acquire(this.#session.workerId, room, HOLD_MS, this.#draining.signal);
        this.#promised -= room;
        failures = 0;
        for (const lease of leases) this.#held.start(lease);
      } catch (error) {
        this.#promised -= room;
        if (!this.#draining.signal.aborted) await this.#recover(error, failures++, this.#draining.signal);
      }
    }
    this.#endWhenIdle();
  }

  #onFinished(): void {
    if (this.#completing >= COMPLETES_MAX) return;
    this.#completing++;
    // In a microtask, so that steps which end in the same turn share the call.
    queueMicrotask(() => void this.#complete());
  }

  async #complete(): Promise<void> {
    const { client, hello } = this.#options;
    let failures = 0;
    for (let batch = this.#held.takeFinished(); batch.length > 0; batch = this.#held.takeFinished()) {
      const isDraining = this.#draining.signal.aborted;
      const room = isDraining ? 0 : Math.max(0, hello.capacity - this.#held.openCount - this.#promised);
      this.#promised += room;
      try {
        const { answers, leases } = await client.complete(this.#session.workerId, batch, room);
        this.#promised -= room;
        failures = 0;
        this.#held.settle(batch, answers);
        for (const lease of leases) this.#held.start(lease);
        this.#wake();
      } catch (error) {
        this.#promised -= room;
        if (isRefusal(error) && this.#held.refuse(batch, error)) continue;
        this.#held.putBack(batch);
        await this.#recover(error, failures++, this.#ended.signal);
        if (this.#isGivenUp) this.#held.dropFinished();
      }
    }
    this.#completing--;
    this.#wake();
    this.#endWhenIdle();
  }

  /** Says what is held. Silence for longer than the conductor waits means that everything has been given to others. */
  async #renew(): Promise<void> {
    const { client, clock } = this.#options;
    let renewedAt = clock.now();
    let failures = 0;
    while (!this.#ended.signal.aborted) {
      await this.#pause(failures === 0 ? this.#session.renewEveryMs : this.#delayMs(failures), this.#ended.signal);
      if (this.#ended.signal.aborted) return;
      try {
        const askedAt = clock.now();
        const { lost } = await client.renew(this.#session.workerId, this.#held.list());
        for (const { stepId, fence } of lost) this.#held.stop(stepId, fence, 'lost');
        renewedAt = askedAt;
        failures = 0;
      } catch (error) {
        failures++;
        if (clock.now() - renewedAt > this.#session.expireAfterMs) this.#held.stopAll('lost');
        if (isSessionLost(error) || isRefusal(error)) await this.#recover(error, failures, this.#ended.signal);
      }
    }
  }

  async #listen(): Promise<void> {
    const { client } = this.#options;
    let failures = 0;
    while (!this.#ended.signal.aborted) {
      try {
        const signals = await client.signals(this.#session.workerId, HOLD_MS, this.#ended.signal);
        failures = 0;
        const news = signals.filter((signal) => this.#obey(signal));
        // A conductor repeats a cancel until the step has ended: without a pause the two would talk of nothing else.
        if (signals.length > 0 && news.length === 0) await this.#pause(REPEAT_MS, this.#ended.signal);
      } catch (error) {
        if (!this.#ended.signal.aborted) await this.#recover(error, failures++, this.#ended.signal);
      }
    }
  }

  /** Whether the signal was news. */
  #obey(signal: WorkerSignal): boolean {
    if (signal.type === 'cancel') return this.#held.stop(signal.stepId, signal.fence, 'cancelled');
    const isNews = !this.#draining.signal.aborted;
    this.#drain();
    return isNews;
  }

  /** After a failed call: waits if it may pass, registers anew if the session is gone, stops the worker if it is refused. */
  async #recover(error: unknown, failures: number, signal: AbortSignal): Promise<void> {
    if (isSessionLost(error)) return this.#registerAnew(failures, signal);
    if (isRefusal(error)) {
      this.#failure ??= error;
      this.#giveUp();
      return;
    }
    await this.#backOff(failures, signal);
  }

  #registering: Promise<void> | undefined;

  async #registerAnew(failures: number, signal: AbortSignal): Promise<void> {
    this.#registering ??= (async () => {
      this.#held.stopAll('lost');
      try {
        await this.#backOff(failures, signal);
        if (!signal.aborted) await this.#register();
      } catch (error) {
        this.#failure ??= error;
        this.#giveUp();
      } finally {
        this.#registering = undefined;
      }
    })();
    await this.#registering;
  }

  #drain(): void {
    this.#draining.abort();
    this.#wake();
    this.#endWhenIdle();
  }

  #giveUp(): void {
    this.#isGivenUp = true;
    this.#held.stopAll('lost');
    this.#drain();
  }

  #endWhenIdle(): void {
    if (this.#draining.signal.aborted && this.#promised === 0 && this.#held.isIdle && this.#completing === 0)
      this.#ended.abort();
  }

  #wake(): void {
    const wake = this.#wakeAcquire;
    if (!wake) return;
    this.#wakeAcquire = undefined;
    wake();
  }

  async #leave(): Promise<void> {
    try {
      await this.#options.client.leave(this.#session.workerId);
    } catch {
      // The conductor notices the silence by itself; a worker that goes must not fail for want of a goodbye.
    }
  }

  #delayMs(failures: number): number {
    return backoffMs(failures, BACKOFF, this.#options.random ?? Math.random);
  }

  #backOff(failures: number, signal: AbortSignal): Promise<void> {
    return this.#pause(this.#delayMs(failures), signal);
  }
}

function isSessionLost(error: unknown): boolean {
  return isMaestroError(error, 'LEASE_LOST');
}

/** An answer that another try cannot change. Everything that is not Maestro's own error may be the network. */
function isRefusal(error: unknown): error is MaestroError {
  return isMaestroError(error) && error.code !== 'LEASE_LOST' && !ERROR_CODES[error.code].isRetryable;
}
