import { MaestroError } from '../base/errors.ts';

export interface BudgetLimits {
  /** Of all bodies together. */
  readonly bytesMax: number;
  /** Of those of one caller, so that none of them takes all. */
  readonly callerBytesMax: number;
}

/** What one body takes while it arrives and is worked on. */
export interface HeldBody {
  /** Throws UNAVAILABLE where all bodies together would be too much. */
  readonly add: (bytes: number) => void;
  readonly release: () => void;
}

/** Memory that bodies of calls may take together. */
export class BodyBudget {
  readonly #limits: BudgetLimits;
  readonly #byCaller = new Map<string, number>();
  #heldBytes = 0;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  open(caller: string): HeldBody {
    let own = 0;
    const change = (bytes: number): void => {
      own += bytes;
      this.#heldBytes += bytes;
      const left = (this.#byCaller.get(caller) ?? 0) + bytes;
      if (left === 0) this.#byCaller.delete(caller);
      else this.#byCaller.set(caller, left);
    };
    return {
      add: (bytes) => {
        change(bytes);
        const isTooMuch = (this.#byCaller.get(caller) ?? 0) > this.#limits.callerBytesMax;
        if (isTooMuch || this.#heldBytes > this.#limits.bytesMax)
          throw new MaestroError('UNAVAILABLE', 'too much arrives at once: send it again in a moment');
      },
      release: () => change(-own),
    };
  }
}
