import type { HeldLease } from '../../src/protocol/lease.ts';
import type { LeaseWatcher } from './watched-client.ts';

/**
 * Says when a worker has had nothing to do for `idleMs`, counted from its start or from the end of its last step.
 *
 * A lease that was taken away ends without an outcome: the next renewal no longer names it.
 */
export class IdleWatch implements LeaseWatcher {
  readonly #idleMs: number;
  readonly #onIdle: () => void;
  readonly #held = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(idleMs: number, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
    this.#wait();
  }

  onLease(lease: HeldLease): void {
    this.#held.add(nameOf(lease));
    clearTimeout(this.#timer);
  }

  onLog(): void {}

  onComplete(completions: readonly HeldLease[]): void {
    for (const completion of completions) this.#held.delete(nameOf(completion));
    this.#wait();
  }

  onHeld(held: readonly HeldLease[]): void {
    const kept = new Set(held.map(nameOf));
    const lost = [...this.#held].filter((name) => !kept.has(name));
    for (const name of lost) this.#held.delete(name);
    if (lost.length > 0) this.#wait();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (this.#held.size === 0) this.#timer = setTimeout(this.#onIdle, this.#idleMs);
  }
}

function nameOf({ stepId, fence }: HeldLease): string {
  return `${stepId}/${fence}`;
}
