import { setTimeout as sleep } from 'node:timers/promises';
import { MaestroError, messageOf } from '../../base/errors.ts';
import { backoffMs } from '../../engine/backoff.ts';
import type { Backoff } from '../../pipeline/plan.ts';
import type { ClaimedDelivery, Inbox } from '../../protocol/inbox.ts';
import type { DeliveryHandler } from '../delivery-handler.ts';
import { askedPauseMs, isRetryable, isUninstalled } from './failure.ts';

const DEFAULTS = { concurrency: 16, timeoutMs: 60_000, pollMs: 2000, triesMax: 16 };
/** A claim outlives its handler's time, so that only a dead process loses one. */
const HOLD_MARGIN_MS = 30_000;
/** Each delivery that ends is news: without a pause, a long backlog would be walked for every single one. */
const PAUSE_MS = 5;
/** So often the installation of a delivery may be unknown: three tries take three seconds. */
const UNINSTALLED_TRIES = 3;
/** Sixteen tries take three quarters of an hour: most faults of GitHub are over by then, and the lane goes on. */
const BACKOFF: Backoff = { initialMs: 1000, factor: 2, maxMs: 300_000, jitter: 'none' };

export interface InboxLoopOptions {
  readonly inbox: Inbox;
  /** By the name of the event. Others are finished with a note. */
  readonly handlers: Readonly<Record<string, DeliveryHandler>>;
  /** Hears of failures that are tried again, of handlers and of the inbox itself. */
  readonly onError: (error: unknown, delivery: ClaimedDelivery | null) => void;
  /** Hears, once, of a delivery that is given up: what it was about is not done unless somebody sees to it. */
  readonly onBuried: (error: unknown, delivery: ClaimedDelivery) => void;
  /** Deliveries in work at once. */
  readonly concurrency?: number;
  /** A handler that takes longer is tried again. */
  readonly timeoutMs?: number;
  /** How long news of other processes may be lost for. */
  readonly pollMs?: number;
  /** Claims after which a delivery is given up. */
  readonly triesMax?: number;
}

/**
 * Takes deliveries from the inbox and gives each to the handler of its event. Runs side by side with other loops on the
 * same inbox. A delivery whose process died between effect and `finish` is handled again, so handlers are idempotent.
 */
export class InboxLoop {
  readonly #options: Required<InboxLoopOptions>;
  readonly #working = new Set<Promise<void>>();
  #isStopped = true;
  #isNews = false;
  #wake: () => void = () => {};
  #unlisten: (() => Promise<void>) | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: InboxLoopOptions) {
    this.#options = { ...DEFAULTS, ...options };
  }

  async start(): Promise<void> {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#unlisten = await this.#options.inbox.onNews(() => this.#tell());
    this.#loop = this.#run();
  }

  /** Claims no more, and resolves when what is in work has ended, or after `graceMs`: the rest is handled again by others. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopped = true;
    this.#tell();
    await this.#unlisten?.();
    await this.#loop;
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([Promise.all(this.#working), grace]);
    clearTimeout(timer);
  }

  /** Deals with everything that can be claimed now, and returns. For a process without a loop, and for tests. */
  async drain(): Promise<void> {
    for (;;) {
      const isAny = await this.#claim();
      if (this.#working.size > 0) await Promise.race(this.#working);
      else if (!isAny) return;
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.#isNews = false;
      const beganMs = performance.now();
      // The inbox is asked again at the next poll: a database that is away comes back.
      await this.#claim().catch((error: unknown) => this.#options.onError(error, null));
      // A claim that takes long is made less often: half of the time of one connection at most.
      await sleep(Math.max(PAUSE_MS, performance.now() - beganMs));
      if (!this.#isNews && !this.#isStopped) await this.#news();
    }
  }

  async #claim(): Promise<boolean> {
    const { inbox, concurrency, timeoutMs } = this.#options;
    const free = concurrency - this.#working.size;
    if (free <= 0) return false;
    const claimed = await inbox.claim(free, timeoutMs + HOLD_MARGIN_MS);
    for (const delivery of claimed) {
      const work = this.#handle(delivery).finally(() => {
        this.#working.delete(work);
        // Its lane has a next one, perhaps.
        this.#tell();
      });
      this.#working.add(work);
    }
    return claimed.length > 0;
  }

  async #handle(delivery: ClaimedDelivery): Promise<void> {
    const { inbox, onError } = this.#options;
    try {
      const note = await this.#noteOf(delivery);
      await inbox.finish(delivery, note);
    } catch (error) {
      await this.#giveBack(delivery, error).catch((failure: unknown) => onError(failure, delivery));
    }
  }

  async #giveBack(delivery: ClaimedDelivery, error: unknown): Promise<void> {
    const { inbox, triesMax, onError, onBuried } = this.#options;
    const mayBeNew = isUninstalled(error) && delivery.tries < UNINSTALLED_TRIES;
    if (isUninstalled(error) && !mayBeNew) {
      await inbox.finish(delivery, 'nothing to do: the App is not installed there any more');
    } else if (delivery.tries < triesMax && (mayBeNew || isRetryable(error))) {
      onError(error, delivery);
      const delayMs = Math.max(backoffMs(BACKOFF, delivery.tries - 1, 1), askedPauseMs(error));
      await inbox.retry(delivery, messageOf(error), delayMs);
    } else {
      const isOurs = await inbox.bury(delivery, messageOf(error));
      if (isOurs) onBuried(error, delivery);
    }
  }

  async #noteOf(delivery: ClaimedDelivery): Promise<string> {
    const { handlers, timeoutMs, triesMax } = this.#options;
    // Nobody gave it back after its last try: it ends the processes that take it up.
    if (delivery.tries > triesMax)
      throw new MaestroError('INTERNAL', `${delivery.event} was taken up ${triesMax} times, and never given back`);
    const handler = Object.hasOwn(handlers, delivery.event) ? handlers[delivery.event] : undefined;
    if (!handler) return `nothing handles ${delivery.event}`;
    const { id, event, action, installationId, payload, receivedAt } = delivery;
    return within(timeoutMs, event, handler({ id, event, action, installationId, payload, receivedAt }));
  }

  #tell(): void {
    this.#isNews = true;
    this.#wake();
  }

  async #news(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.pollMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new MaestroError('NETWORK_FAILED', `expected ${what} to be handled within ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
