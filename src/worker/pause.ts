import { setTimeout as timeout } from 'node:timers/promises';

/** Resolves after `ms`, or as soon as the signal fires; never rejects. */
export type Pause = (ms: number, signal?: AbortSignal) => Promise<void>;

export const REAL_PAUSE: Pause = async (ms, signal) => {
  try {
    await timeout(ms, undefined, signal ? { signal } : {});
  } catch {
    // Only an abort ends up here, and for a pause it means: go on now.
  }
};

export interface BackoffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** Delay before try `failures + 1`: doubled each time, then cut to a random half to whole of itself so that workers spread out. */
export function backoffMs(failures: number, limits: BackoffLimits, random: () => number): number {
  const whole = Math.min(limits.maxMs, limits.initialMs * 2 ** Math.min(failures, 20));
  return Math.round(whole * (0.5 + random() / 2));
}
