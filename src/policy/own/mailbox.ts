/** Where the two threads stand. The asking one writes ASKED, the answering one everything else. */
export const STARTING = 0;
/** A question may be put in; the answer to the last one lies there. */
export const READY = 1;
export const ASKED = 2;
/** The rules cannot be loaded; why lies there. */
export const BROKEN = 3;

/** Of a question, and of an answer. */
const BODY_BYTES_MAX = 1_048_576;
const HEAD_BYTES = 8;

/** Memory that a thread and the one that asks it share: one question or one answer lies in it. */
export class Mailbox {
  readonly shared: SharedArrayBuffer;
  readonly #head: Int32Array<SharedArrayBuffer>;
  readonly #body: Uint8Array<SharedArrayBuffer>;

  constructor(shared = new SharedArrayBuffer(HEAD_BYTES + BODY_BYTES_MAX)) {
    this.shared = shared;
    this.#head = new Int32Array(shared, 0, 2);
    this.#body = new Uint8Array(shared, HEAD_BYTES);
  }

  get state(): number {
    return Atomics.load(this.#head, 0);
  }

  /** Whether it fits. Whoever waits for the other thread is woken. */
  put(state: number, content: Uint8Array): boolean {
    if (content.byteLength > BODY_BYTES_MAX) return false;
    this.#body.set(content);
    this.#head[1] = content.byteLength;
    Atomics.store(this.#head, 0, state);
    Atomics.notify(this.#head, 0);
    return true;
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#body.slice(0, this.#head[1]);
  }

  /** Blocks while the state is this one, for at most so long. */
  waitWhile(state: number, timeoutMs = Number.POSITIVE_INFINITY): void {
    Atomics.wait(this.#head, 0, state, timeoutMs);
  }

  async waitLater(state: number, timeoutMs: number): Promise<void> {
    await Atomics.waitAsync(this.#head, 0, state, timeoutMs).value;
  }
}
