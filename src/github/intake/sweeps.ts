export interface SweepsOptions {
  /**
   * Each is called at the start and then again and again, one after the other. Where one answers `true` it left something
   * to do, and the pause is the short one again.
   */
  readonly sweeps: readonly (() => Promise<unknown>)[];
  readonly everyMs: number;
  /** After the start, pauses grow from this by doubling. */
  readonly soonMs?: number;
  readonly onError: (error: unknown) => void;
}

/** Looks, now and again, for what no webhook told of. Several servers may do so at once: all that sweeps do is idempotent. */
export class Sweeps {
  readonly #options: SweepsOptions;
  readonly #soonMs: number;
  #timer: NodeJS.Timeout | undefined;
  #current: Promise<void> | undefined;
  #isStopped = false;
  #pauseMs: number;

  constructor(options: SweepsOptions) {
    this.#options = options;
    this.#soonMs = options.soonMs ?? options.everyMs;
    this.#pauseMs = this.#soonMs;
  }

  start(): void {
    this.#current = this.#turn();
  }

  /** Resolves when the sweep that goes on has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#current;
  }

  async #turn(): Promise<void> {
    const isMore = await this.#all();
    if (this.#isStopped) return;
    if (isMore) this.#pauseMs = this.#soonMs;
    this.#timer = setTimeout(() => this.start(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#options.everyMs, this.#pauseMs * 2);
  }

  async #all(): Promise<boolean> {
    let isMore = false;
    for (const sweep of this.#options.sweeps) {
      if (this.#isStopped) return false;
      // A sweep that fails is done again at the next turn.
      if ((await sweep().catch(this.#options.onError)) === true) isMore = true;
    }
    return isMore;
  }
}
