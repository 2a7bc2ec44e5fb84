import type { Completion, CompletionAnswer, Lease } from '../protocol/lease.ts';
import { type Database, withRetries } from '../store/database.ts';
import { type TickCompletion, type TickResult, tick } from '../store/ticks.ts';
import { attemptState } from '../store/workers.ts';
import type { Hub } from './hub.ts';
import { buildLeases, parseStepId } from './lease-builder.ts';
import { noteOf, noteText } from './outcome-note.ts';
import type { Policies } from './policies.ts';
import type { RunEntries } from './run-entry.ts';
import type { Settler } from './settler.ts';
import { type CompleteCall, type ServedQueues, slotsOf, type Waiter, WorkerGroup } from './worker-group.ts';

/** Ticks in flight at once: while one commits, the next gathers. */
const LANES = 2;
const BATCH_MAX = 512;
const QUEUE_POLL_MS = 1000;
/** After an outcome, the next ones are expected for this long. */
const BUSY_MS = 20;

export interface ConductorTools {
  readonly db: Database;
  readonly hub: Hub;
  readonly entries: RunEntries;
  readonly settler: Settler;
  readonly policies: Pick<Policies, 'baseId'>;
  readonly onClosed: (runs: readonly number[]) => void;
}

/**
 * Turns the calls of many workers into few ticks.
 *
 * Workers that serve the same queues form a group. What arrives while a group's ticks are in flight forms the
 * next one; a tick hands steps that became ready straight to those who completed the ones before, and what is left of
 * the queue to whoever waits.
 */
export class Conductor {
  readonly #tools: ConductorTools;
  readonly #groups = new Map<string, WorkerGroup>();
  readonly #offReady: () => void;
  readonly #poll: NodeJS.Timeout;
  #completedAt = Number.NEGATIVE_INFINITY;

  constructor(tools: ConductorTools) {
    this.#tools = tools;
    this.#offReady = tools.hub.on('ready', () => this.wake());
    // The floor under lost notifications; it also looks at the whole queue again, for rows that committed out of order.
    this.#poll = setInterval(() => this.wake(true), QUEUE_POLL_MS);
    this.#poll.unref();
  }

  close(): void {
    this.#offReady();
    clearInterval(this.#poll);
    for (const group of this.#groups.values()) group.close();
  }

  /** Outcomes keep coming in. */
  get isBusy(): boolean {
    return performance.now() - this.#completedAt < BUSY_MS;
  }

  /** Something may wait in the queue. */
  wake(isFull = false): void {
    for (const [key, group] of this.#groups) {
      // Each dedicated run has groups of its own. Who comes again makes a new one, which looks at once.
      if (isFull && group.isIdle) this.#groups.delete(key);
      if (isFull) group.lookAtAll();
      group.hasNews = true;
      this.#pump(group);
    }
  }

  acquire(
    queues: ServedQueues,
    worker: number,
    room: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<readonly Lease[]> {
    const group = this.#group(queues);
    const waiting = group.wait(worker, room, waitMs, signal);
    this.#pump(group);
    return waiting;
  }

  async complete(
    queues: ServedQueues,
    worker: number,
    completions: readonly Completion[],
    room: number,
  ): Promise<{ answers: readonly CompletionAnswer[]; leases: readonly Lease[] }> {
    const refs = completions.map((one) => parseStepId(one.stepId));
    if (refs.some((ref) => !this.#tools.entries.get(ref.run)))
      await this.#tools.entries.load(
        this.#tools.db,
        refs.map((ref) => ref.run),
      );
    const fast: TickCompletion[] = [];
    const slow: number[] = [];
    completions.forEach((one, i) => {
      const ref = refs[i] as { run: number; idx: number };
      if (this.#isFast(one, ref)) fast.push({ ...ref, fence: one.fence, outcome: noteText(noteOf(one.outcome)) });
      else slow.push(i);
    });
    const slowAnswers = Promise.all(slow.map((i) => this.#settle(completions[i] as Completion)));
    // First the ones that can fail: a lease that the others bring must not be lost with their error. Sent again, what
    // was recorded is answered as before.
    const settled = await slowAnswers;
    const group = this.#group(queues);
    const { refused, leases } = await group.enqueue({ worker, completions: fast, room }, () => this.#pump(group));
    const answers: CompletionAnswer[] = completions.map(() => 'recorded');
    slow.forEach((i, n) => (answers[i] = settled[n] ? 'recorded' : 'lost'));
    if (refused.size > 0) await this.#settleRefused(completions, refused, answers);
    return { answers, leases };
  }

  #isFast(one: Completion, ref: { run: number; idx: number }): boolean {
    const entry = this.#tools.entries.get(ref.run);
    return (
      one.outcome.kind === 'succeeded' && entry !== undefined && entry.compiled.plan.steps[ref.idx]?.loop === undefined
    );
  }

  async #settle(one: Completion): Promise<boolean> {
    const { run, idx } = parseStepId(one.stepId);
    // The slow path holds whole runs, and others whose number falls into the same place: nobody gets there by a stale fence.
    const state = await attemptState(this.#tools.db, { run, idx, fence: one.fence });
    if (state !== 'held') return state === 'recorded';
    return this.#tools.settler.settle(run, { type: 'outcome', idx, fence: one.fence, outcome: one.outcome });
  }

  /** A tick changed nothing for these: they are stale, were sent before, or were told to stop meanwhile. */
  async #settleRefused(
    completions: readonly Completion[],
    refused: ReadonlySet<string>,
    answers: CompletionAnswer[],
  ): Promise<void> {
    await Promise.all(
      completions.map(async (one, i) => {
        if (!refused.has(`${one.stepId}@${one.fence}`)) return;
        // An error must not cost the leases that came with the answer; the step's lease then ends by itself.
        const isRecorded = await this.#settle(one).catch(() => false);
        answers[i] = isRecorded ? 'recorded' : 'lost';
      }),
    );
  }

  #group(queues: ServedQueues): WorkerGroup {
    let group = this.#groups.get(queues.key);
    if (!group) this.#groups.set(queues.key, (group = new WorkerGroup(queues)));
    return group;
  }

  #pump(group: WorkerGroup): void {
    while (group.busy < LANES && (group.hasCalls || (group.hasNews && group.hasWaiters))) {
      group.busy++;
      void this.#tick(group).finally(() => {
        group.busy--;
        this.#pump(group);
      });
    }
  }

  async #tick(group: WorkerGroup): Promise<void> {
    const calls = group.takeCalls(BATCH_MAX);
    const waiters = group.takeWaiters();
    const slots = slotsOf(calls, waiters, BATCH_MAX);
    const completions = calls.flatMap((call) => call.completions).sort((a, b) => a.run - b.run || a.idx - b.idx);
    if (completions.length > 0) this.#completedAt = performance.now();
    const hadNews = group.hasNews;
    group.hasNews = false;
    try {
      const { epoch } = group;
      const request = {
        completions,
        slots,
        queues: group.queues.literal(),
        baseId: this.#tools.policies.baseId,
        mark: group.mark,
      };
      const result = await withRetries(() => tick(this.#tools.db, request));
      // A full look that was asked for meanwhile has yet to happen.
      if (epoch === group.epoch && result.mark > group.mark) group.mark = result.mark;
      // Where others took every slot, nobody looked at the queue. Steps that were cancelled take room without a lease.
      const wanted = slots.length - (result.leases.length - result.takenLeases);
      if (result.queued > 0 || (wanted > 0 ? result.taken >= wanted : hadNews)) group.hasNews = true;
      this.#announce(result);
      await this.#handOut(group, calls, waiters, result);
    } catch (error) {
      group.hasNews = true;
      for (const call of calls) call.reject(error);
      group.putBack(waiters, error);
    }
  }

  #announce(result: TickResult): void {
    if (result.queued > 0) this.#tools.hub.tellOthers('ready');
    if (result.closedRuns.length > 0) this.#tools.onClosed(result.closedRuns);
    for (const run of result.unsettledRuns) {
      // What fails here stays in the outbox; the next sweep takes it up.
      this.#tools.settler.settle(run, { type: 'sweep' }).catch(() => {});
    }
    this.#tools.hub.tell('changed');
  }

  async #handOut(
    group: WorkerGroup,
    calls: readonly CompleteCall[],
    waiters: readonly Waiter[],
    result: TickResult,
  ): Promise<void> {
    const built =
      result.leases.length > 0
        ? await withRetries(() => buildLeases(this.#tools.db, this.#tools.entries, result.leases))
        : [];
    const byWorker = new Map<number, Lease[]>();
    result.leases.forEach((granted, i) => {
      const lease = built[i];
      const list = byWorker.get(granted.worker);
      if (list && lease) list.push(lease);
      else if (lease) byWorker.set(granted.worker, [lease]);
    });
    const refused = new Set(result.refused.map((one) => `${one.run}.${one.idx}@${one.fence}`));
    for (const call of calls) call.resolve({ refused, leases: takeUpTo(byWorker, call.worker, call.room) });
    group.answer(waiters, byWorker);
  }
}

function takeUpTo(byWorker: Map<number, Lease[]>, worker: number, room: number): readonly Lease[] {
  return byWorker.get(worker)?.splice(0, room) ?? [];
}
