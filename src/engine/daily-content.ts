import { takeBlobDay } from '../store/attempt-usage.ts';
import type { Database } from '../store/database.ts';
import { BLOB_BYTES_PER_DAY_MAX, BLOB_DAY_PORTION_BYTES } from './worker-limits.ts';

/** Beyond that many, those that were asked for longest ago lose what is left of their portion. */
const REPOSITORIES_KEPT = 10_000;

/** What this process may still take for a repository without asking the database. */
interface Portion {
  bytes: number;
  /** Ends when everybody before has had their turn. */
  turn: Promise<unknown>;
}

/**
 * What repositories send on one day, within what they may. All uploads of a repository count in one row: a portion is taken
 * from it at once, or hundreds of small files would wait for each other with a connection in the hand of each.
 */
export class DailyContent {
  readonly #db: Database;
  readonly #portions = new Map<string, Portion>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** False, and nothing taken, where that is more than the repository may send today. */
  take(repository: string, bytes: number): Promise<boolean> {
    return this.#inTurn(repository, async (portion) => {
      const missing = bytes - portion.bytes;
      const taken = missing <= 0 ? 0 : await this.#more(repository, missing);
      if (taken === undefined) return false;
      portion.bytes += taken - bytes;
      return true;
    });
  }

  /** What was taken is not needed. */
  giveBack(repository: string, bytes: number): Promise<void> {
    return this.#inTurn(repository, async (portion) => {
      portion.bytes += bytes;
      const tooMuch = portion.bytes - BLOB_DAY_PORTION_BYTES;
      if (tooMuch < BLOB_DAY_PORTION_BYTES) return;
      await takeBlobDay(this.#db, repository, -tooMuch, BLOB_BYTES_PER_DAY_MAX);
      portion.bytes -= tooMuch;
    });
  }

  /** A whole portion, or where the day has too little left for one, exactly what is missing. */
  async #more(repository: string, missing: number): Promise<number | undefined> {
    for (const bytes of new Set([Math.max(missing, BLOB_DAY_PORTION_BYTES), missing]))
      if (await takeBlobDay(this.#db, repository, bytes, BLOB_BYTES_PER_DAY_MAX)) return bytes;
    return undefined;
  }

  #inTurn<T>(repository: string, body: (portion: Portion) => Promise<T>): Promise<T> {
    const portion = this.#portions.get(repository) ?? { bytes: 0, turn: Promise.resolve() };
    this.#portions.delete(repository);
    this.#portions.set(repository, portion);
    if (this.#portions.size > REPOSITORIES_KEPT) this.#portions.delete(this.#portions.keys().next().value as string);
    const result = portion.turn.then(() => body(portion));
    portion.turn = result.catch(() => {});
    return result;
  }
}
