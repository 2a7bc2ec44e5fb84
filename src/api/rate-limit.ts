import type { Clock } from '../base/clock.ts';
import { MaestroError } from '../base/errors.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Says how long to wait. */
export class RateLimited extends MaestroError {
  readonly retryAfterS: number;

  constructor(retryAfterS: number) {
    super('RATE_LIMITED', `too many calls: try again in ${retryAfterS} s`);
    this.retryAfterS = retryAfterS;
  }
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** A token bucket per key. The oldest are forgotten where there are too many: they have had time to fill. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #clock: Clock;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, clock: Clock, keysMax: number) {
    this.#rate = rate;
    this.#clock = clock;
    this.#keysMax = keysMax;
  }

  /** @throws RATE_LIMITED */
  take(key: string): void {
    const { perSecond, burst } = this.#rate;
    const now = this.#clock.now();
    const known = this.#buckets.get(key) ?? { tokens: burst, filledAt: now };
    const gained = (Math.max(0, now - known.filledAt) / 1000) * perSecond;
    const tokens = Math.min(burst, known.tokens + gained);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, filledAt: now });
    if (this.#buckets.size > this.#keysMax) this.#buckets.delete(this.#buckets.keys().next().value as string);
    if (tokens < 1) throw new RateLimited(Math.max(1, Math.ceil((1 - tokens) / perSecond)));
  }
}
