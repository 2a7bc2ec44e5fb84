import type { Database } from '../store/database.ts';

const CHANNEL = 'maestro';
/** News of one kind is told to other processes at most this often: a NOTIFY per commit would undo group commit. */
const TELL_EVERY_MS = { ready: 10, stop: 10, settled: 20, changed: 100, logged: 100 } as const;

/**
 * `ready`: steps wait in the queue. `stop`: workers hold steps that were told to stop. `changed`: runs have new
 * events. `settled`: a run has ended, or was judged and may wait for people now. `logged`: the evidence register has
 * grown.
 */
export type News = keyof typeof TELL_EVERY_MS;

/**
 * News between the parts of a conductor, and between conductors on one Postgres. News is a hint to look, never the fact
 * itself: one that is lost delays somebody until the next slow poll.
 */
export class Hub {
  readonly #db: Database;
  readonly #listeners: Record<News, Set<() => void>> = {
    ready: new Set(),
    stop: new Set(),
    settled: new Set(),
    changed: new Set(),
    logged: new Set(),
  };
  readonly #toldAt: Record<News, number> = { ready: 0, stop: 0, settled: 0, changed: 0, logged: 0 };
  readonly #timers = new Map<News, NodeJS.Timeout>();
  /** Ends of the waits that are open. */
  readonly #waits = new Set<() => void>();
  #unlisten: (() => Promise<void>) | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  async open(): Promise<void> {
    if (this.#db.kind === 'embedded') return;
    this.#unlisten = await this.#db.listen(CHANNEL, (payload) => {
      for (const news of Object.keys(TELL_EVERY_MS) as News[]) if (payload === '' || payload === news) this.#hear(news);
    });
  }

  async close(): Promise<void> {
    for (const end of this.#waits) end();
    // News that was about to be told is told now: others may wait for it.
    for (const [news, timer] of this.#timers) {
      clearTimeout(timer);
      await this.#db.notify(CHANNEL, news).catch(() => {});
    }
    await this.#unlisten?.();
  }

  on(news: News, listener: () => void): () => void {
    this.#listeners[news].add(listener);
    return () => this.#listeners[news].delete(listener);
  }

  /** Resolves at the next news, when the signal fires, or after `waitMs`. */
  async next(news: News, waitMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waits.delete(done);
        off();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      const off = this.on(news, done);
      this.#waits.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Tells everybody here at once, and other processes soon. */
  tell(news: News): void {
    this.#hear(news);
    this.tellOthers(news);
  }

  tellOthers(news: News): void {
    if (this.#db.kind === 'embedded' || this.#timers.has(news)) return;
    const waitMs = Math.max(0, this.#toldAt[news] + TELL_EVERY_MS[news] - performance.now());
    this.#timers.set(
      news,
      setTimeout(() => {
        this.#timers.delete(news);
        this.#toldAt[news] = performance.now();
        // A hint: whoever misses it polls.
        this.#db.notify(CHANNEL, news).catch(() => {});
      }, waitMs),
    );
  }

  #hear(news: News): void {
    for (const listener of this.#listeners[news]) listener();
  }
}
