import type { Database } from '../store/database.ts';
import { listQueues, type QueueName, saveQueues } from '../store/queues.ts';
import type { ServedQueues } from './worker-group.ts';

/** Serves every class. */
const ALL = '*';

/** Numbers of the queues, and who serves which. */
export class QueueDirectory {
  readonly #db: Database;
  readonly #shared = new Map<string, number>();
  /** All queues that runs share, as a literal: new plans bring new ones. */
  #allShared = '{}';

  constructor(db: Database) {
    this.#db = db;
  }

  /** Queues of runs, each with its runner classes. Those that all runs share are remembered. */
  async idsFor(
    runs: readonly { readonly pool: string; readonly classes: readonly string[] }[],
  ): Promise<readonly (readonly number[])[]> {
    const missing = runs.flatMap(({ pool, classes }) =>
      classes.flatMap((name): QueueName[] => (pool === '' && this.#shared.has(name) ? [] : [{ pool, class: name }])),
    );
    const made = new Map<string, number>();
    if (missing.length > 0) {
      const ids = await saveQueues(this.#db, missing);
      missing.forEach((name, i) => made.set(`${name.pool}/${name.class}`, ids[i] ?? 0));
      for (const name of missing) if (name.pool === '') this.#shared.set(name.class, made.get(`/${name.class}`) ?? 0);
      if (missing.some(({ pool }) => pool === '')) await this.refresh();
    }
    return runs.map(({ pool, classes }) =>
      classes.map((name) => made.get(`${pool}/${name}`) ?? this.#shared.get(name) ?? 0),
    );
  }

  /** @param pool a run's key, or empty for workers that serve any run */
  async serve(pool: string, classes: readonly string[]): Promise<ServedQueues> {
    if (classes.includes(ALL)) {
      if (pool === '') await this.refresh();
      // A run has all its queues from its beginning.
      const own = pool === '' ? undefined : await this.#literalOf(pool);
      return { key: `${pool}/${ALL}`, literal: () => own ?? this.#allShared };
    }
    const ids = [
      ...(await saveQueues(
        this.#db,
        classes.map((name) => ({ pool, class: name })),
      )),
    ].sort((a, b) => a - b);
    const literal = `{${ids.join(',')}}`;
    return { key: literal, literal: () => literal };
  }

  /** Reads again what other conductors may have added. */
  async refresh(): Promise<void> {
    this.#allShared = await this.#literalOf('');
  }

  async #literalOf(pool: string): Promise<string> {
    return `{${(await listQueues(this.#db, pool)).join(',')}}`;
  }
}
