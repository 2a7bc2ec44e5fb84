export interface SweepsOptions {
  /** Each is called at the start and then again and again, one after the other. */
  readonly sweeps: readonly (() => Promise<unknown>)[];
  readonly everyMs: number;
  /** After the start, pauses grow from this by doubling. */
  readonly soonMs?: number;
  readonly onError: (error: unknown) => void;
}

/** Looks, now and again, for what no webhook told of. Several servers may do so at once: all that sweeps do is idempotent. */
export class Sweeps {
  readonly #options: SweepsOptions;
  #timer: NodeJS.Timeout | undefined;
  #current: Promise<void> | undefined;
  #isStopped = false;
  #pauseMs: number;

  constructor(options: SweepsOptions) {
    this.#options = options;
    this.#pauseMs = options.soonMs ?? options.everyMs;
  }

  start(): void {
    this.#current = this.#all().finally(() => {
      if (this.#isStopped) return;
      this.#timer = setTimeout(() => this.start(), this.#pauseMs);
      this.#pauseMs = Math.min(this.#options.everyMs, this.#pauseMs * 2);
    });
  }

  /** Resolves when the sweep that goes on has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#current;
  }

  async #all(): Promise<void> {
    for (const sweep of this.#options.sweeps) {
      if (this.#isStopped) return;
      // A sweep that fails is done again at the next turn.
      await sweep().catch(this.#options.onError);
    }
  }
}
