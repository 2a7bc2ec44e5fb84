import { isMaestroError, messageOf } from '../base/errors.ts';
import type { Client } from '../protocol/client.ts';
import type { LogLine, RunEvent, RunEventType } from '../protocol/event.ts';
import { isRunFinal, isStepFinal, type RunView, type StepView } from '../protocol/run.ts';
import type { CommandContext } from './context.ts';
import { createWatcher } from './live/create-watcher.ts';
import { RunModel } from './live/run-model.ts';
import type { RunWatcher } from './live/watcher.ts';
import { LogLines } from './log-lines.ts';
import { safeText } from './terminal-text.ts';

/** Streams of an ended run close by themselves; a reader is not kept waiting longer than this. */
const CATCH_UP_MS_MAX = 2000;
/** A stale model is read again at most this often: reading a run of 10,000 steps is not free. */
const REFRESH_MS = 250;

/** After these a step's log is complete; what comes late is shown when it comes. */
const OVER: ReadonlySet<RunEventType> = new Set(['step.succeeded', 'step.failed', 'step.cancelled', 'step.retried']);

/**
 * Feeds a model and its watcher from the two streams of a run, events and logs.
 *
 * What happened before `sinceMs` the reader has seen in another process: it updates the model only. 0 shows everything.
 */
export class RunFollower {
  readonly model: RunModel;
  readonly watcher: RunWatcher;
  readonly #client: Client;
  readonly #context: CommandContext;
  readonly #stop = new AbortController();
  readonly #before: ReadonlyMap<string, StepView>;
  readonly #sinceMs: number;
  readonly #piecesSeen = new Map<string, number>();
  #piecesToSkip = new Map<string, number>();
  readonly #lines = new LogLines();
  #isEnded = false;
  readonly #waiting = new Set<() => void>();
  #streams: Promise<unknown> = Promise.resolve();
  #refreshedMs = 0;

  constructor(view: RunView, client: Client, context: CommandContext, sinceMs: number) {
    this.#client = client;
    this.#context = context;
    this.#before = new Map(view.steps.map((step) => [step.id, step]));
    this.#sinceMs = sinceMs;
    this.model = new RunModel(view);
    this.watcher = createWatcher(this.model, context);
  }

  start(): void {
    this.watcher.start();
    this.#streams = Promise.all([this.#followEvents(), this.#followLogs(true, this.#stop.signal)]);
    // Awaited in `end`; until then a failure must not count as unhandled.
    this.#streams.catch(() => {});
  }

  /** Resolves at the end of both streams. */
  finished(): Promise<unknown> {
    return this.#streams;
  }

  /** Resolves after the next event, at the end of the streams, or when the signal fires. */
  nextEvent(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
      void this.#streams.finally(done).catch(() => {});
    });
  }

  /** Shows what is still on its way, then gives the terminal back. Answers the run as it is now. */
  async end(): Promise<RunView> {
    const view = await this.#client.readRun(this.model.id);
    if (isRunFinal(view.status)) await within(CATCH_UP_MS_MAX, this.#streams);
    else await this.#catchUp(view);
    this.#showLines(this.#lines.finish());
    this.model.absorb(view);
    this.abandon();
    return view;
  }

  /** Stops at once, for example because the work failed. May be called twice. */
  abandon(): void {
    this.#stop.abort();
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.watcher.end();
  }

  /** The run waits: its streams stay open, so read what they have not delivered yet. */
  async #catchUp(view: RunView): Promise<void> {
    const deadline = AbortSignal.timeout(CATCH_UP_MS_MAX);
    const isBehind = (): boolean =>
      view.steps.some((step) => step.status === 'held' && this.model.step(step.id)?.status !== 'held');
    while (isBehind() && !deadline.aborted) await this.nextEvent(deadline);
    this.#stop.abort();
    await within(CATCH_UP_MS_MAX, this.#streams);
    this.#piecesToSkip = new Map(this.#piecesSeen);
    await this.#followLogs(false, deadline);
  }

  async #followEvents(): Promise<void> {
    try {
      for await (const event of this.#client.followRun(this.model.id, 0, this.#stop.signal)) await this.#take(event);
    } catch (error) {
      this.#tell(error);
    }
  }

  async #take(event: RunEvent): Promise<void> {
    if (!this.model.apply(event)) return;
    if (event.step !== null && OVER.has(event.type)) this.#showLines(this.#lines.finish(event.step));
    if (Date.parse(event.at) >= this.#sinceMs) this.watcher.event(event);
    for (const wake of this.#waiting) wake();
    await this.#refresh();
    await this.#context.output.drained();
  }

  async #refresh(): Promise<void> {
    const nowMs = this.#context.clock.now();
    if (!this.model.isStale || nowMs - this.#refreshedMs < REFRESH_MS) return;
    this.#refreshedMs = nowMs;
    const seq = this.model.lastSeq;
    const view = await this.#client.readRun(this.model.id);
    if (seq === this.model.lastSeq) this.model.absorb(view);
  }

  async #followLogs(isFollowing: boolean, signal: AbortSignal): Promise<void> {
    try {
      for await (const piece of this.#client.readLogs(this.model.id, undefined, isFollowing, signal)) {
        this.#takePiece(piece);
        await this.#context.output.drained();
      }
    } catch (error) {
      this.#tell(error);
    }
  }

  #takePiece(piece: LogLine): void {
    const key = `${piece.attempt} ${piece.step}`;
    const skipped = this.#piecesToSkip.get(key) ?? 0;
    if (skipped > 0) return void this.#piecesToSkip.set(key, skipped - 1);
    this.#piecesSeen.set(key, (this.#piecesSeen.get(key) ?? 0) + 1);
    this.#showLines(this.#lines.add(piece));
    const status = this.model.step(piece.step)?.status;
    if (status && isStepFinal(status)) this.#showLines(this.#lines.finish(piece.step));
  }

  #showLines(lines: readonly LogLine[]): void {
    for (const line of lines) {
      this.model.applyLog(line);
      if (!this.#isHistory(line)) this.watcher.log(line);
    }
  }

  #isHistory(line: LogLine): boolean {
    if (this.#sinceMs === 0) return false;
    const before = this.#before.get(line.step);
    return before !== undefined && isStepFinal(before.status) && line.attempt <= before.attempts;
  }

  /** Following is for the eye only: its failure is said, and the work goes on. */
  #tell(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.watcher.note(
      `cannot follow the run: ${isMaestroError(error) ? `${error.code}: ` : ''}${safeText(messageOf(error))}`,
    );
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
