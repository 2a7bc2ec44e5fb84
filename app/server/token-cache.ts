import type { Clock } from '../../src/base/clock.ts';

/** GitHub's tokens of installations live for an hour. */
const TOKEN_MS = 59 * 60_000;
const TOKENS_MAX = 10_000;

interface Kept {
  readonly value: string;
  readonly untilMs: number;
}

/** Tokens of installations, as Octokit keeps them: by the id of the installation. */
export class TokenCache {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): string | undefined {
    const kept = this.#kept.get(key);
    return kept && kept.untilMs > this.#clock.now() ? kept.value : undefined;
  }

  set(key: string, value: string): void {
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= TOKENS_MAX && oldest !== undefined) this.#kept.delete(oldest);
    // Moves it behind the others.
    this.#kept.delete(key);
    this.#kept.set(key, { value, untilMs: this.#clock.now() + TOKEN_MS });
  }

  forget(installationId: number): void {
    this.#kept.delete(String(installationId));
  }
}
