import type { Lease } from '../protocol/lease.ts';
import type { Outcome } from '../protocol/outcome.ts';

/** Why an attempt is stopped before its end: somebody cancelled it, or it belongs to another worker by now. */
export type StopReason = 'cancelled' | 'lost';

/**
 * One attempt in the hands of this worker.
 *
 * going on -> cancelled -> lost; going on -> lost. An attempt that is lost keeps nothing: its outcome is dropped.
 */
export class Attempt {
  readonly lease: Lease;
  #stopped: StopReason | undefined;
  #controller: AbortController | undefined;

  constructor(lease: Lease) {
    this.lease = lease;
  }

  get stopped(): StopReason | undefined {
    return this.#stopped;
  }

  /** Made on first use, because most steps of a busy worker end before anybody asks for it. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#stopped) this.#controller.abort(this.#stopped);
    }
    return this.#controller.signal;
  }

  stop(reason: StopReason): void {
    if (this.#stopped === 'lost') return;
    this.#stopped = reason;
    this.#controller?.abort(reason);
  }
}

/**
 * Runs one attempt to its end. A rejection counts as a failure of class `infra`: steps answer failures as values.
 *
 * It must end soon after `attempt.signal` fires.
 */
export type ExecuteStep = (attempt: Attempt, workerId: number) => Outcome | Promise<Outcome>;
