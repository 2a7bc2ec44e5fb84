import { MaestroError } from '../base/errors.ts';
import type { Isolation } from '../protocol/outcome.ts';
import type { Database } from '../store/database.ts';
import { readWorkerService } from '../store/workers.ts';
import type { QueueDirectory } from './queue-directory.ts';
import type { ServedQueues } from './worker-group.ts';

/** Workers whose queues are kept in memory; those of the others are read when they ask. */
const WORKERS_KEPT = 10_000;

export interface KnownWorker {
  readonly queues: ServedQueues;
  /** Names the one run that it serves; empty where it serves others. */
  readonly pool: string;
  /** How it keeps steps apart; null where it did not say. */
  readonly isolation: Isolation | null;
}

/** The queues of each worker. They stand in the database: a worker may ask another process than the one it registered with. */
export class WorkerQueues {
  readonly #db: Database;
  readonly #directory: QueueDirectory;
  readonly #workers = new Map<number, KnownWorker>();

  constructor(db: Database, directory: QueueDirectory) {
    this.#db = db;
    this.#directory = directory;
  }

  /**
   * The queues of a worker that was not given up: what it took would be taken from it again, and count as lost.
   * @throws LEASE_LOST
   */
  async confirmed(worker: number): Promise<KnownWorker> {
    const known = this.#workers.get(worker);
    if (!known) return this.load(worker);
    if (await readWorkerService(this.#db, worker)) return known;
    this.forget(worker);
    throw unknownWorker(worker);
  }

  known(worker: number): KnownWorker | undefined {
    return this.#workers.get(worker);
  }

  /** @throws LEASE_LOST for a worker that left, or was given up */
  async load(worker: number): Promise<KnownWorker> {
    const service = await readWorkerService(this.#db, worker);
    if (!service) throw unknownWorker(worker);
    const queues = await this.#directory.serve(service.pool, service.classes);
    const known = { queues, pool: service.pool, isolation: service.isolation };
    this.remember(worker, known);
    return known;
  }

  remember(worker: number, known: KnownWorker): void {
    this.#workers.set(worker, known);
    if (this.#workers.size > WORKERS_KEPT) this.#workers.delete(this.#workers.keys().next().value as number);
  }

  forget(worker: number): void {
    this.#workers.delete(worker);
  }
}

export function unknownWorker(worker: number): MaestroError {
  return new MaestroError('LEASE_LOST', `worker ${worker} is not registered here, or was given up: register again`);
}
