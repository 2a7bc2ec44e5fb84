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
    this.assertLeft(key);
    this.spend(key, 1);
  }

  /** @throws RATE_LIMITED where nothing could be taken now */
  assertLeft(key: string): void {
    const waitS = this.waitS(key);
    if (waitS > 0) throw new RateLimited(waitS);
  }

  /** Seconds until something can be taken; 0: now. */
  waitS(key: string): number {
    const { tokens } = this.#bucket(key);
    return tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / this.#rate.perSecond));
  }

  /** Takes what was used, also where it is more than there was: then nothing is left until that is made up for. A negative amount is given back. */
  spend(key: string, amount: number): void {
    const bucket = this.#bucket(key);
    bucket.tokens = Math.min(this.#rate.burst, bucket.tokens - amount);
  }

  #bucket(key: string): Bucket {
    const { perSecond, burst } = this.#rate;
    const now = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, filledAt: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.filledAt) / 1000) * perSecond);
    bucket.filledAt = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#keysMax) this.#buckets.delete(this.#buckets.keys().next().value as string);
    return bucket;
  }
}
