import { RateLimited } from './rate-limit.ts';

/** Calls that are being answered, by key. */
export class InFlight {
  readonly #counts = new Map<string, number>();

  /**
   * Counts a call until what this answers is called.
   * @throws RATE_LIMITED where `max` are being answered
   */
  enter(key: string, max: number): () => void {
    const count = this.#counts.get(key) ?? 0;
    if (count >= max) throw new RateLimited(1);
    this.#counts.set(key, count + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
    };
  }
}
