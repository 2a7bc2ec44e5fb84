import type { LeaseWatcher } from './watched-client.ts';

/**
 * Says when a worker has had nothing to do for `idleMs`, counted from its start or from the end of its last step.
 *
 * A lease that was taken away is noticed when its outcome is answered `lost`, or with the job's own end.
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

  onLease({ stepId, fence }: { readonly stepId: string; readonly fence: number }): void {
    this.#held.add(`${stepId}/${fence}`);
    clearTimeout(this.#timer);
  }

  onLog(): void {}

  onComplete(completions: readonly { readonly stepId: string; readonly fence: number }[]): void {
    for (const { stepId, fence } of completions) this.#held.delete(`${stepId}/${fence}`);
    this.#wait();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (this.#held.size === 0) this.#timer = setTimeout(this.#onIdle, this.#idleMs);
  }
}
