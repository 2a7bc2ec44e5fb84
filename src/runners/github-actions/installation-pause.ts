import type { Clock } from '../../base/clock.ts';

const FIRST_MS = 60_000;
const LONGEST_MS = 900_000;

/**
 * Installations that GitHub wants to be left alone. Kept per process: another one learns it by one call of its own.
 * Without a word of GitHub's, each time in a row doubles the pause.
 */
export class InstallationPause {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #untilMs = new Map<number, number>();
  readonly #inARow = new Map<number, number>();

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Milliseconds that are left; 0 where calls are welcome. */
  restMs(installationId: number): number {
    return Math.max(0, (this.#untilMs.get(installationId) ?? 0) - this.#clock.now());
  }

  begin(installationId: number, retryAfterMs: number | null): void {
    const before = this.#inARow.get(installationId) ?? 0;
    const ownMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** before);
    // GitHub's own word is the least: several servers must not come back in the same instant.
    const pauseMs = (retryAfterMs ?? ownMs) + Math.round(this.#random() * 1000);
    this.#inARow.set(installationId, before + 1);
    this.#untilMs.set(installationId, this.#clock.now() + pauseMs);
  }

  end(installationId: number): void {
    this.#inARow.delete(installationId);
    this.#untilMs.delete(installationId);
  }
}
