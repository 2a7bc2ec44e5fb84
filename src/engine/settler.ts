import type { Database, Session } from '../store/database.ts';
import { byWeight } from './by-weight.ts';
import type { Hub } from './hub.ts';
import { type Ask, type RunAsk, type Settled, type SettleTools, settleRuns } from './settle.ts';

const ASKS_MAX = 256;

interface Waiting extends RunAsk {
  readonly resolve: (answer: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Feeds the slow path: what arrives while a transaction is in flight goes together into the next one.
 *
 * An ask that throws (a person's answer to a gate that is closed) must not undo others: when a batch fails, its asks are
 * tried one by one.
 */
export class Settler {
  readonly #db: Database;
  readonly #tools: () => SettleTools;
  readonly #hub: Hub;
  readonly #onClosed: (runs: readonly number[]) => void;
  readonly #onTimer: () => void;
  readonly #onPromotion: (run: number) => void;
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(
    db: Database,
    hub: Hub,
    tools: () => SettleTools,
    onClosed: (runs: readonly number[]) => void,
    onTimer: () => void,
    onPromotion: (run: number) => void,
  ) {
    this.#db = db;
    this.#hub = hub;
    this.#tools = tools;
    this.#onClosed = onClosed;
    this.#onTimer = onTimer;
    this.#onPromotion = onPromotion;
  }

  /** Answers whether the ask changed the run, once that is committed. */
  settle(run: number, ask: Ask): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run, ask, resolve, reject });
      if (!this.#isBusy) void this.#flush();
    });
  }

  /** Settles inside a caller's transaction, who announces it after the commit. */
  settleWithin(session: Session, asks: readonly RunAsk[]): Promise<Settled> {
    return settleRuns(session, this.#tools(), asks);
  }

  async #flush(): Promise<void> {
    this.#isBusy = true;
    // What is asked in the same turn shares a transaction.
    await Promise.resolve();
    for (let batch = this.#waiting.splice(0, ASKS_MAX); batch.length > 0; batch = this.#waiting.splice(0, ASKS_MAX)) {
      if (batch.length === 1) await this.#settleBatch(batch);
      else for (const part of await this.#parts(batch)) await this.#settleBatch(part);
    }
    this.#isBusy = false;
  }

  /** A database that does not answer says so again to each of the asks. */
  async #parts(batch: readonly Waiting[]): Promise<readonly (readonly Waiting[])[]> {
    return byWeight(this.#db, batch).catch(() => [batch]);
  }

  async #settleBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const settled = await this.#db.transaction((session) => settleRuns(session, this.#tools(), batch));
      this.announce(settled);
      batch.forEach((one, i) => one.resolve(settled.answers[i] ?? false));
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1) only?.reject(error);
      else for (const one of batch) await this.#settleBatch([one]);
    }
  }

  /** Tells what a commit of the slow path set going. */
  announce(settled: Settled): void {
    // Ticks leave what the slow path holds in the queue: they look again now.
    this.#hub.tell('ready');
    if (settled.hasStopping) this.#hub.tell('stop');
    if (settled.hasTimers) this.#onTimer();
    // What fails here stays in the outbox; the next sweep takes it up.
    for (const run of settled.unfinishedRuns) this.settle(run, { type: 'sweep' }).catch(() => {});
    for (const run of settled.promotionRuns) this.#onPromotion(run);
    if (settled.closedRuns.length > 0) this.#onClosed(settled.closedRuns);
    this.#hub.tell('settled');
    this.#hub.tell('changed');
  }
}
