import { ApiError } from './api-error.ts';

/** GitHub's figures, see its page on rate limits. A test lowers them to reach them. */
export interface Limits {
  readonly callsPerHour: number;
  readonly contentWritesPerMinute: number;
  readonly contentWritesPerHour: number;
  /** A write costs 5, a read 1. */
  readonly pointsPerMinute: number;
  readonly concurrentMax: number;
}

export const GITHUB_LIMITS: Limits = {
  callsPerHour: 5000,
  contentWritesPerMinute: 80,
  contentWritesPerHour: 500,
  pointsPerMinute: 900,
  concurrentMax: 100,
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WRITE_POINTS = 5;

interface Usage {
  hourStartMs: number;
  used: number;
  /** Times of calls with their points, newest last, for an hour. */
  calls: { readonly atMs: number; readonly points: number; readonly isContent: boolean }[];
  concurrent: number;
}

/** Counts calls per caller (an installation or a person) and refuses those beyond the limits, with GitHub's own headers. */
export class RateLimiter {
  private readonly limits: Limits;
  private readonly nowMs: () => number;
  private readonly usages = new Map<string, Usage>();

  constructor(limits: Limits, nowMs: () => number) {
    this.limits = limits;
    this.nowMs = nowMs;
  }

  /** Takes one call from the caller's budget; the answer gives its place among the concurrent ones back. */
  take(caller: string, isWrite: boolean): () => void {
    const usage = this.usage(caller);
    const now = this.nowMs();
    if (usage.used >= this.limits.callsPerHour) {
      throw new ApiError(403, `API rate limit exceeded for ${caller}.`, { headers: this.headers(caller) });
    }
    usage.used += 1;
    if (usage.concurrent >= this.limits.concurrentMax) throw this.secondary(caller, 60);
    usage.calls = usage.calls.filter(({ atMs }) => now - atMs < HOUR_MS);
    const lately = usage.calls.filter(({ atMs }) => now - atMs < MINUTE_MS);
    const points = lately.reduce((sum, call) => sum + call.points, 0) + (isWrite ? WRITE_POINTS : 1);
    const oldestMs = lately[0]?.atMs ?? now;
    const retryAfter = Math.max(1, Math.ceil((oldestMs + MINUTE_MS - now) / 1000));
    if (points > this.limits.pointsPerMinute) throw this.secondary(caller, retryAfter);
    if (isWrite) {
      const writes = usage.calls.filter(({ isContent }) => isContent);
      const writesLately = writes.filter(({ atMs }) => now - atMs < MINUTE_MS).length;
      if (writesLately >= this.limits.contentWritesPerMinute) throw this.secondary(caller, retryAfter);
      if (writes.length >= this.limits.contentWritesPerHour) throw this.secondary(caller, HOUR_MS / 1000);
    }
    usage.calls.push({ atMs: now, points: isWrite ? WRITE_POINTS : 1, isContent: isWrite });
    usage.concurrent += 1;
    let isHeld = true;
    return () => {
      if (isHeld) usage.concurrent -= 1;
      isHeld = false;
    };
  }

  headers(caller: string): Readonly<Record<string, string>> {
    const usage = this.usage(caller);
    return {
      'x-ratelimit-limit': String(this.limits.callsPerHour),
      'x-ratelimit-remaining': String(Math.max(0, this.limits.callsPerHour - usage.used)),
      'x-ratelimit-used': String(usage.used),
      'x-ratelimit-reset': String(Math.ceil((usage.hourStartMs + HOUR_MS) / 1000)),
      'x-ratelimit-resource': 'core',
    };
  }

  private secondary(caller: string, retryAfterSeconds: number): ApiError {
    return secondaryLimit(retryAfterSeconds, this.headers(caller));
  }

  private usage(caller: string): Usage {
    const now = this.nowMs();
    let usage = this.usages.get(caller);
    if (usage === undefined) {
      usage = { hourStartMs: now, used: 0, calls: [], concurrent: 0 };
      this.usages.set(caller, usage);
    }
    if (now - usage.hourStartMs >= HOUR_MS) {
      usage.hourStartMs = now;
      usage.used = 0;
    }
    return usage;
  }
}

export function secondaryLimit(retryAfterSeconds: number, headers: Readonly<Record<string, string>> = {}): ApiError {
  return new ApiError(
    403,
    'You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID.',
    { headers: { ...headers, 'retry-after': String(retryAfterSeconds) } },
  );
}
