import type { JsonObject } from '../base/json.ts';

/** `mine`: the caller acts. `busy`: another caller does so now. `done`: everything was done and answered. */
export interface Claim {
  readonly status: 'mine' | 'busy' | 'done';
  /** Somebody had it before and did not end: what it did may be done already. */
  readonly isRetaken: boolean;
  readonly isAcknowledged: boolean;
}

/** Who asks, and where; by GitHub's ids. */
export interface Asker {
  readonly repositoryId: number;
  readonly personId: number;
}

/**
 * What was done about a request of a person: a comment with commands, or a button that was pressed. Implemented by the store.
 *
 * A request is claimed by one holder at a time. For each of its commands the target is written down before it is acted on,
 * and the answer afterwards: who takes the request over after a crash acts on the same target and keeps the answers.
 */
export interface CommandRecords {
  /** Takes the request unless it is done, or was taken by another holder less than `leaseMs` ago. */
  claim(key: string, holder: string, leaseMs: number, asker?: Asker): Promise<Claim>;
  /** Its author was shown that it was read, or cannot be. */
  acknowledged(key: string): Promise<void>;
  /** How many requests of somebody came in within that time, the present one among them. */
  countOf(asker: Asker, withinMs: number): Promise<number>;
  /** Answers the target that counts: the first one that was written. */
  intend(key: string, index: number, target: JsonObject): Promise<JsonObject>;
  /** The target that was written, if one was. */
  target(key: string, index: number): Promise<JsonObject | undefined>;
  /** Keeps the answer to a command; the first one stands. */
  finish(key: string, index: number, answer: string): Promise<void>;
  answers(key: string): Promise<ReadonlyMap<number, string>>;
  /** Whether the holder still has it; if so, its time begins anew. */
  renew(key: string, holder: string): Promise<boolean>;
  /** Everything was done and answered. */
  close(key: string): Promise<void>;
  /** Forgets what was done before that: a request that comes again would be done again. */
  prune(before: Date): Promise<void>;
  /** Lets another holder have it at once. */
  release(key: string, holder: string): Promise<void>;
}
