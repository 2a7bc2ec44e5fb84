import { Worker } from 'node:worker_threads';
import { MaestroError } from '../../base/errors.ts';
import { ASKED, BROKEN, Mailbox, READY, STARTING } from './mailbox.ts';
import type { LoopAnswer, LoopData } from './rules-loop.ts';

/** For one question. A CPU quota may stall a whole process for 100 ms, and rules that did nothing wrong with it. */
const ANSWER_MS_MAX = 250;
const START_MS_MAX = 10_000;
/** Of one that takes the place of another: whoever asks stands still meanwhile. */
const RESTART_MS_MAX = 3000;
/** Of JavaScript; the module's own memory has a limit of its own. */
const HEAP_MB_MAX = 128;
/**
 * Whoever asks stands still until the answer, so questions that run into the limit may take a second of every ten: beyond it
 * they are denied without being asked, until time has passed.
 */
const WASTE_MS_MAX = 1000;
const WASTE_SHARE_MAX = 0.1;

/** The rules of a bundle in a thread of their own: it is ended, and another one started, when an answer takes too long. */
export class RulesThread {
  readonly #rules: Omit<LoopData, 'shared'>;
  #mailbox = new Mailbox();
  #worker: Worker | undefined;
  #wastedMs = 0;
  #wastedAt = 0;
  /** Why the question that was put last was not asked. */
  #refusal: string | undefined;
  #askedAt = 0;
  #isClosed = false;

  /** @throws MaestroError POLICY_INVALID where the rules cannot be loaded */
  static async open(rules: Omit<LoopData, 'shared'>): Promise<RulesThread> {
    const thread = new RulesThread(rules);
    const worker = thread.#start();
    // Else a process that has nothing more to do would end before the thread is there.
    worker.ref();
    await thread.#mailbox.waitLater(STARTING, START_MS_MAX);
    worker.unref();
    if (thread.#mailbox.state === READY) return thread;
    const why = thread.#mailbox.state === BROKEN ? thread.#text() : `it is not loaded after ${START_MS_MAX} ms`;
    await thread.close();
    throw new MaestroError('POLICY_INVALID', why);
  }

  private constructor(rules: Omit<LoopData, 'shared'>) {
    this.#rules = rules;
  }

  /** Puts a question, so that several threads work at once. `answer` must follow. */
  ask(question: Uint8Array): void {
    this.#refusal =
      this.#wasted(performance.now()) > WASTE_MS_MAX
        ? 'they took too long too often, and are not asked for a while'
        : undefined;
    if (this.#refusal !== undefined) return;
    if (!this.#isReady()) this.#refusal = 'their thread does not start';
    else if (!this.#mailbox.put(ASKED, question)) this.#refusal = 'the question is too large';
    this.#askedAt = performance.now();
  }

  /** Blocks until the answer is there or may not take longer. */
  answer(): LoopAnswer {
    if (this.#refusal !== undefined) return { failure: this.#refusal };
    const leftMs = this.#askedAt + ANSWER_MS_MAX - performance.now();
    this.#mailbox.waitWhile(ASKED, Math.max(0, leftMs));
    if (this.#mailbox.state === READY) {
      if (this.#isClosed) void this.#end();
      return JSON.parse(this.#text()) as LoopAnswer;
    }
    this.#waste(ANSWER_MS_MAX);
    void this.#end();
    this.#start();
    return { failure: `they took longer than ${ANSWER_MS_MAX} ms, or too much memory, and were stopped` };
  }

  /** Ends the thread. Whoever asks nevertheless, because they began under these rules, gets one for that question. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #isReady(): boolean {
    if (this.#worker === undefined) this.#start();
    this.#mailbox.waitWhile(STARTING, RESTART_MS_MAX);
    if (this.#mailbox.state === READY) return true;
    this.#waste(RESTART_MS_MAX);
    void this.#end();
    return false;
  }

  #waste(ms: number): void {
    const now = performance.now();
    this.#wastedMs = this.#wasted(now) + ms;
    this.#wastedAt = now;
  }

  #start(): Worker {
    this.#mailbox = new Mailbox();
    const worker = new Worker(new URL('./rules-loop.ts', import.meta.url), {
      workerData: { ...this.#rules, shared: this.#mailbox.shared } satisfies LoopData,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    });
    // One that dies leaves its question without an answer, which is noticed there.
    worker.on('error', () => {});
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #wasted(now: number): number {
    return Math.max(0, this.#wastedMs - (now - this.#wastedAt) * WASTE_SHARE_MAX);
  }

  #text(): string {
    return new TextDecoder().decode(this.#mailbox.take());
  }
}
