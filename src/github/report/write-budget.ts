/**
 * GitHub's secondary limit is 80 writes a minute and 500 an hour for each installation. In any such span a bucket gives its
 * size and what flows in, so both together stay below; the rest is for commands and dispatches.
 */
const MINUTE_SIZE = 30;
const MINUTE_INFLOW = 40;
const HOUR_SIZE = 100;
const HOUR_INFLOW = 340;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const INSTALLATIONS_MAX = 10_000;

interface Bucket {
  minute: number;
  hour: number;
  atMs: number;
  /** GitHub said to wait until then. */
  closedUntilMs: number;
}

/** How many writes an installation may still be burdened with: two token buckets each, of a minute and of an hour. */
export class WriteBudget {
  readonly #buckets = new Map<number, Bucket>();

  /** Takes one write; answers 0, or the milliseconds until there is one. */
  take(installationId: number, nowMs: number): number {
    const bucket = this.#filled(installationId, nowMs);
    const waitMs = Math.max(
      bucket.closedUntilMs - nowMs,
      bucket.minute >= 1 ? 0 : ((1 - bucket.minute) * MINUTE_MS) / MINUTE_INFLOW,
      bucket.hour >= 1 ? 0 : ((1 - bucket.hour) * HOUR_MS) / HOUR_INFLOW,
    );
    if (waitMs > 0) return Math.ceil(waitMs);
    bucket.minute -= 1;
    bucket.hour -= 1;
    return 0;
  }

  /** No writes before that time: GitHub asked for it. */
  close(installationId: number, untilMs: number, nowMs: number): void {
    const bucket = this.#filled(installationId, nowMs);
    bucket.closedUntilMs = Math.max(bucket.closedUntilMs, untilMs);
  }

  #filled(installationId: number, nowMs: number): Bucket {
    let bucket = this.#buckets.get(installationId);
    if (!bucket) {
      if (this.#buckets.size >= INSTALLATIONS_MAX) this.#forgetFull(nowMs);
      bucket = { minute: MINUTE_SIZE, hour: HOUR_SIZE, atMs: nowMs, closedUntilMs: 0 };
      this.#buckets.set(installationId, bucket);
    }
    refill(bucket, nowMs);
    return bucket;
  }

  #forgetFull(nowMs: number): void {
    for (const [id, bucket] of this.#buckets) {
      refill(bucket, nowMs);
      if (bucket.hour >= HOUR_SIZE && bucket.closedUntilMs <= nowMs) this.#buckets.delete(id);
    }
  }
}

function refill(bucket: Bucket, nowMs: number): void {
  const passedMs = Math.max(0, nowMs - bucket.atMs);
  bucket.minute = Math.min(MINUTE_SIZE, bucket.minute + (passedMs * MINUTE_INFLOW) / MINUTE_MS);
  bucket.hour = Math.min(HOUR_SIZE, bucket.hour + (passedMs * HOUR_INFLOW) / HOUR_MS);
  bucket.atMs = nowMs;
}
