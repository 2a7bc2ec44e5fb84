import type { Clock } from '../../base/clock.ts';

/** A token is not used when it has no longer to live: what it is used for must end before it does. */
const REST_MS_MIN = 15_000;
/** Kept at once; the one that was kept for the longest goes first. */
const TOKENS_MAX = 1000;
const REVOKE_MS_MAX = 5000;
const REVOKED_AT_ONCE_MAX = 20;

/** What a login came to. */
export interface IssuedToken {
  readonly text: string;
  readonly livesMs: number;
  /** It may be used more than once, and can be given back. */
  readonly isReusable: boolean;
  readonly isRevocable: boolean;
}

/** A token in use. One that is not kept is for this use alone. */
export interface TakenToken extends IssuedToken {
  readonly isKept: boolean;
  /** It was kept from an earlier login: the vault may have forgotten it since. */
  readonly isOld: boolean;
}

interface KeptToken extends IssuedToken {
  readonly endsAt: number;
}

/** Gives a token back. Never fails. */
type Revoke = (token: string, signal: AbortSignal) => Promise<void>;

/** Tokens of the vault by what was said to get them, each kept until shortly before it ends and never beyond. */
export class VaultTokens {
  readonly #clock: Clock;
  readonly #revoke: Revoke;
  readonly #kept = new Map<string, KeptToken>();
  readonly #logins = new Map<string, Promise<TakenToken | undefined>>();
  readonly #revocations = new Set<Promise<void>>();

  constructor(clock: Clock, revoke: Revoke) {
    this.#clock = clock;
    this.#revoke = revoke;
  }

  /** The kept token, or the one of a login, which many may wait for. Undefined where the vault refuses the login. */
  async take(key: string, login: () => Promise<IssuedToken | undefined>): Promise<TakenToken | undefined> {
    const kept = this.#kept.get(key);
    if (kept && kept.endsAt - this.#clock.now() >= REST_MS_MIN) return { ...kept, isKept: true, isOld: true };
    const begun = this.#logins.get(key);
    if (begun) {
      const token = await begun;
      return !token || token.isKept ? token : this.#logIn(key, login);
    }
    const own = this.#logIn(key, login);
    this.#logins.set(key, own);
    try {
      return await own;
    } finally {
      this.#logins.delete(key);
    }
  }

  /** The vault no longer takes it. */
  forget(key: string, token: TakenToken): void {
    if (this.#kept.get(key)?.text === token.text) this.#kept.delete(key);
  }

  /** After use: what is not kept is given back at once. */
  async giveBack(token: TakenToken): Promise<void> {
    if (!token.isKept) await this.#giveUp(token, AbortSignal.timeout(REVOKE_MS_MAX));
  }

  /** All of them within the time of one: a server that goes has little. The rest end by themselves. */
  async close(): Promise<void> {
    const signal = AbortSignal.timeout(REVOKE_MS_MAX);
    const kept = [...this.#kept.values()];
    this.#kept.clear();
    for (let at = 0; at < kept.length && !signal.aborted; at += REVOKED_AT_ONCE_MAX)
      await Promise.all(kept.slice(at, at + REVOKED_AT_ONCE_MAX).map((token) => this.#giveUp(token, signal)));
    await Promise.all(this.#revocations);
  }

  async #logIn(key: string, login: () => Promise<IssuedToken | undefined>): Promise<TakenToken | undefined> {
    // Before the call: the vault counts from when it answers, which is later.
    const begunAt = this.#clock.now();
    const issued = await login();
    if (!issued) return undefined;
    const isKept = issued.isReusable && issued.livesMs > REST_MS_MIN;
    if (isKept) this.#keep(key, { ...issued, endsAt: begunAt + issued.livesMs });
    return { ...issued, isKept, isOld: false };
  }

  #keep(key: string, token: KeptToken): void {
    const now = this.#clock.now();
    for (const [other, { endsAt }] of this.#kept) if (endsAt <= now) this.#kept.delete(other);
    this.#kept.delete(key);
    this.#kept.set(key, token);
    if (this.#kept.size <= TOKENS_MAX) return;
    for (const [oldest, old] of this.#kept) {
      this.#kept.delete(oldest);
      const revocation = this.#giveUp(old, AbortSignal.timeout(REVOKE_MS_MAX)).finally(() =>
        this.#revocations.delete(revocation),
      );
      this.#revocations.add(revocation);
      return;
    }
  }

  async #giveUp({ text, isRevocable }: IssuedToken, signal: AbortSignal): Promise<void> {
    if (isRevocable) await this.#revoke(text, signal);
  }
}
