import type { Database } from '../store/database.ts';
import { shareBytes } from '../store/outcome-shares.ts';
import { findRuns } from '../store/run-rows.ts';
import { SERVED } from '../store/scope.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import type { RunEntries } from './run-entry.ts';
import { LEASES_BYTES_MAX, OUTCOME_BYTES_FREE } from './worker-limits.ts';

const RUNS_KEPT = 10_000;
const READS = new WeakMap<CompiledPlan, number>();

/**
 * How many leases may go together. Each carries the results that its step reads: hundreds of steps that read what one step
 * left would multiply it by hundreds on their way to a worker.
 */
export class LeaseRoom {
  readonly #db: Database;
  readonly #entries: RunEntries;
  readonly #runs = new Map<string, number>();

  constructor(db: Database, entries: RunEntries) {
    this.#db = db;
    this.#entries = entries;
  }

  /** @param pool of a worker: empty where it serves runs that are not its own; those workers are in this process */
  async fit(pool: string, room: number): Promise<number> {
    if (pool === '' || room <= 1) return room;
    const run = await this.#runOf(pool);
    if (run === undefined) return room;
    await this.#entries.load(this.#db, [run]);
    const entry = this.#entries.get(run);
    const reads = entry ? readsMax(entry.compiled) : 0;
    if (reads === 0) return room;
    const bytes = reads * OUTCOME_BYTES_FREE + ((await shareBytes(this.#db, [run])).get(run) ?? 0);
    return Math.max(1, Math.min(room, Math.floor(LEASES_BYTES_MAX / bytes)));
  }

  async #runOf(pool: string): Promise<number | undefined> {
    const known = this.#runs.get(pool);
    if (known !== undefined) return known;
    const key = pool.startsWith(SERVED) ? pool.slice(SERVED.length) : pool;
    const found = (await findRuns(this.#db, key)).find((run) => run.key === key);
    if (!found) return undefined;
    this.#runs.set(pool, found.id);
    if (this.#runs.size > RUNS_KEPT) this.#runs.delete(this.#runs.keys().next().value as string);
    return found.id;
  }
}

/** Results that one step of the plan reads at most. */
function readsMax(compiled: CompiledPlan): number {
  let most = READS.get(compiled);
  if (most === undefined) {
    most = compiled.facts.reduce((max, { reads }) => Math.max(max, countOf(compiled, reads.steps)), 0);
    READS.set(compiled, most);
  }
  return most;
}

function countOf({ plan, indexesByBase }: CompiledPlan, bases: ReadonlySet<string>): number {
  if (bases.has('*')) return plan.steps.length;
  return [...bases].reduce((sum, base) => sum + (indexesByBase.get(base)?.length ?? 0), 0);
}
