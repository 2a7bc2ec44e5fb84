/** Node's timers hold 31 bits; a longer delay would fire at once. */
const TIMER_MS_MAX = 2_147_483_647;

/** Calls back once after `ms`, however long that is, unless it is cleared. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, onOver: () => void) {
    const wait = (rest: number): void => {
      this.#timer = setTimeout(
        () => (rest > TIMER_MS_MAX ? wait(rest - TIMER_MS_MAX) : onOver()),
        Math.min(rest, TIMER_MS_MAX),
      );
    };
    wait(ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
