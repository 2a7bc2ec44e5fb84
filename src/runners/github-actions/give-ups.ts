import type { LeaseClient } from '../../protocol/lease.ts';
import { refuseSteps } from './refuse-steps.ts';

/** Classes whose steps are failed at the same time. The others wait: the database has better things to do. */
const AT_ONCE_MAX = 8;

/** Fails the ready steps of classes that get no job: each class of a run once at a time, and nobody else waits for it. */
export class GiveUps {
  readonly #leases: LeaseClient;
  readonly #open = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;
  #isClosed = false;

  constructor(leases: LeaseClient) {
    this.#leases = leases;
  }

  isOpen(runId: string, runnerClass: string): boolean {
    return this.#open.has(nameOf(runId, runnerClass));
  }

  /** Resolves when the steps that were ready have failed, also where somebody else began with it; false where it is too late to begin. */
  giveUp(runId: string, runnerClass: string, reasonOf: () => Promise<string>): Promise<boolean> {
    const name = nameOf(runId, runnerClass);
    const open = this.#open.get(name);
    if (open) return open;
    const work = this.#refuse(runId, runnerClass, reasonOf).finally(() => this.#open.delete(name));
    this.#open.set(name, work);
    return work;
  }

  /** What has not begun is left to the next dispatcher. Resolves when the rest has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.idle();
  }

  async idle(): Promise<void> {
    await Promise.allSettled(this.#open.values());
  }

  async #refuse(runId: string, runnerClass: string, reasonOf: () => Promise<string>): Promise<boolean> {
    if (this.#busy < AT_ONCE_MAX) this.#busy++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      if (this.#isClosed) return false;
      await refuseSteps(this.#leases, runId, runnerClass, await reasonOf());
      return true;
    } finally {
      // Whoever waits takes over the place.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#busy--;
    }
  }
}

function nameOf(runId: string, runnerClass: string): string {
  return `${runId}/${runnerClass}`;
}
