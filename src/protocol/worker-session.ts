import type { HeldLease } from './lease.ts';
import type { Isolation } from './outcome.ts';

/** What a session token stands for: one worker, bound to one run and one runner class until the session ends. */
export interface BoundWorker {
  readonly workerId: number;
  /** Public id of the run. */
  readonly run: string;
  /** Runner class; `*` serves all of the run. */
  readonly class: string;
  /** How the worker keeps steps apart from itself, as it said when it registered. */
  readonly isolation: Isolation;
  /** Milliseconds since 1970, as `endsAt`. */
  readonly expiresAt: number;
  /** The session is prolonged while its worker lives and its run is open, but no further than this. */
  readonly endsAt: number;
}

/** Sessions of workers that speak over HTTP. Tokens are named by their SHA-256 alone. */
export interface WorkerSessions {
  add(tokenHash: Uint8Array, worker: BoundWorker): Promise<void>;
  /** The session that has not expired at `now`; undefined for an unknown token. */
  find(tokenHash: Uint8Array, now: number): Promise<BoundWorker | undefined>;
  /** The worker has left: its session ends at `endsAt` at the latest. Until then the job may read how its run ended. */
  close(workerId: number, endsAt: number): Promise<void>;
  /** The worker has just said that it lives: its session lasts until `expiresAt`, as far as it may. Never ends it sooner. */
  prolong(worker: BoundWorker, expiresAt: number): Promise<void>;
  /**
   * Which of these steps the worker may end, in order: of its own run those that it holds under the named fence, and those
   * that were ended under it. The engine checks the fence alone, and fences are small numbers that anybody can guess.
   */
  mayEnd(worker: BoundWorker, held: readonly HeldLease[]): Promise<readonly boolean[]>;
  /** Whether steps of the worker's class are left in its run, now or later. */
  hasWork(worker: BoundWorker): Promise<boolean>;
}
