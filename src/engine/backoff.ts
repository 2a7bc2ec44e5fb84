import type { Backoff } from '../pipeline/plan.ts';

/**
 * Delay before the next try, in milliseconds: exponential, capped, and with full jitter a uniform share of that.
 * @param retries retries used so far
 * @param chance uniform in [0, 1)
 * @source https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(backoff: Backoff, retries: number, chance: number): number {
  const ceiling = Math.min(backoff.maxMs, backoff.initialMs * backoff.factor ** retries);
  return Math.round(backoff.jitter === 'full' ? ceiling * chance : ceiling);
}
