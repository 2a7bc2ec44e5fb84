import { type MaestroError, messageOf } from '../base/errors.ts';
import type { Completion, CompletionAnswer, HeldLease, Lease, StepId } from '../protocol/lease.ts';
import type { Outcome } from '../protocol/outcome.ts';
import { Attempt, type ExecuteStep, type StopReason } from './attempt.ts';

/** What one `complete` call carries at most; the conductor's tick takes as many. */
const COMPLETIONS_MAX = 512;

/**
 * The attempts of one worker: running -> finished (outcome waits to be recorded) -> settled.
 *
 * An attempt is held, and so renewed, until its outcome is settled or it is lost.
 */
export class HeldAttempts {
  readonly #execute: ExecuteStep;
  readonly #onFinished: () => void;
  readonly #held = new Map<StepId, Attempt>();
  readonly #running = new Set<Attempt>();
  #finished: Completion[] = [];
  /** Outcomes still to be sent alone, after the conductor refused a batch because of one of them. */
  #singles = 0;
  workerId = 0;
  recorded = 0;
  lost = 0;

  constructor(execute: ExecuteStep, onFinished: () => void) {
    this.#execute = execute;
    this.#onFinished = onFinished;
  }

  /** Places taken: an outcome keeps the place of its step for what its `complete` call may bring. */
  get openCount(): number {
    return this.#running.size + this.#finished.length;
  }

  get isIdle(): boolean {
    return this.#running.size === 0 && this.#finished.length === 0;
  }

  start(lease: Lease): void {
    const older = this.#held.get(lease.stepId);
    // An answer that was sent twice brings the same lease twice; a newer fence means that the older one is lost.
    if (older && older.lease.fence >= lease.fence) return;
    if (older) this.#lose(older);
    const attempt = new Attempt(lease);
    this.#held.set(lease.stepId, attempt);
    this.#running.add(attempt);
    let outcome: Outcome | Promise<Outcome>;
    try {
      outcome = this.#execute(attempt, this.workerId);
    } catch (error) {
      outcome = crashed(error);
    }
    if (!(outcome instanceof Promise)) return this.#finish(attempt, outcome);
    void outcome.then(
      (value) => this.#finish(attempt, value),
      (error) => this.#finish(attempt, crashed(error)),
    );
  }

  /** @returns whether it changed anything */
  stop(stepId: StepId, fence: number, reason: StopReason): boolean {
    const attempt = this.#held.get(stepId);
    if (attempt?.lease.fence !== fence || attempt.stopped === reason) return false;
    if (reason === 'lost') this.#lose(attempt);
    else attempt.stop(reason);
    return true;
  }

  /** Also the attempts that have ended: their outcomes are still sent, and the fence decides. */
  stopAll(reason: StopReason): void {
    for (const attempt of this.#running) {
      if (reason === 'lost') this.#lose(attempt);
      else attempt.stop(reason);
    }
  }

  list(): readonly HeldLease[] {
    return Array.from(this.#held.values(), ({ lease }) => ({ stepId: lease.stepId, fence: lease.fence }));
  }

  takeFinished(): readonly Completion[] {
    if (this.#singles > 0) {
      this.#singles--;
      return this.#finished.splice(0, 1);
    }
    if (this.#finished.length > COMPLETIONS_MAX) return this.#finished.splice(0, COMPLETIONS_MAX);
    const batch = this.#finished;
    this.#finished = [];
    return batch;
  }

  /** After a call that failed: the same outcomes go first in the next one. */
  putBack(batch: readonly Completion[]): void {
    this.#finished = [...batch, ...this.#finished];
  }

  /**
   * After a call that was refused for good: finds the outcome that is to blame and replaces it by a failure.
   * @returns false where even the bare failure is refused, so that the worker cannot go on
   */
  refuse(batch: readonly Completion[], error: MaestroError): boolean {
    const [first] = batch;
    if (!first) return true;
    if (batch.length > 1) {
      this.#singles = batch.length;
      this.putBack(batch);
      return true;
    }
    if (first.outcome.errorCode === error.code) return false;
    const outcome: Outcome = {
      kind: 'failed',
      errorClass: 'step',
      errorCode: error.code,
      message: `the conductor refused the outcome: ${error.message}`,
    };
    this.#singles++;
    this.putBack([{ stepId: first.stepId, fence: first.fence, outcome }]);
    return true;
  }

  settle(batch: readonly Completion[], answers: readonly CompletionAnswer[]): void {
    for (let i = 0; i < batch.length; i++) {
      const { stepId, fence } = batch[i] as Completion;
      if (answers[i] === 'recorded') this.recorded++;
      else this.lost++;
      if (this.#held.get(stepId)?.lease.fence === fence) this.#held.delete(stepId);
    }
  }

  dropFinished(): void {
    this.#finished = [];
  }

  #finish(attempt: Attempt, outcome: Outcome): void {
    this.#running.delete(attempt);
    if (attempt.stopped === 'lost') {
      this.lost++;
    } else {
      this.#finished.push({ stepId: attempt.lease.stepId, fence: attempt.lease.fence, outcome });
    }
    this.#onFinished();
  }

  #lose(attempt: Attempt): void {
    attempt.stop('lost');
    if (this.#held.get(attempt.lease.stepId) === attempt) this.#held.delete(attempt.lease.stepId);
  }
}

function crashed(error: unknown): Outcome {
  return {
    kind: 'failed',
    errorClass: 'infra',
    errorCode: 'INTERNAL',
    message: `the worker failed: ${messageOf(error)}`,
  };
}
