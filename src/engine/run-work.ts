import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { isRunFinal } from '../protocol/run.ts';
import type { AskedDecision } from '../store/decisions.ts';
import type { RunRow, StepRow } from '../store/run-rows.ts';
import type { DeadLetter, NewEvent, RunChange, StepChange } from '../store/settlements.ts';
import { stepAt } from './compiled-plan.ts';
import { type FinishedStep, type KnownResults, stepContexts } from './contexts.ts';
import { cutText } from './cut-text.ts';
import { compensationAfter } from './draft.ts';
import { gatedBy } from './gated-by.ts';
import { textChars } from './json-weight.ts';
import { noteText, type OutcomeNote, readNote } from './outcome-note.ts';
import type { Pack } from './policies.ts';
import type { RunEntry } from './run-entry.ts';
import { type Effect, isFinal, type RunFact, type RunState, STEP_NEW, type StepState } from './run-state.ts';
import { transition } from './transition.ts';
import { EVENT_TEXT_CHARS_MAX, REASON_CHARS_MAX } from './worker-limits.ts';

/** One locked run while facts are applied to it, and what is to be written in the end. */
export class RunWork {
  readonly entry: RunEntry;
  readonly row: RunRow;
  readonly rows: readonly StepRow[];
  /** The policy that judges the run now. */
  readonly pack: Pack;
  /** Numbers of the stored decisions that were asked for, by the digest of their question. */
  decisionIds: ReadonlyMap<string, number> = new Map();
  state: RunState;
  /** Steps whose dependencies are final and which nobody has judged yet. */
  readonly toAdmit = new Set<number>();
  /** Steps are left that could not be judged with the others. */
  isUnfinished = false;
  /** Characters of the inputs that templates made. */
  judgedChars = 0;
  /** Waiting for the next admission with a person's consent. */
  readonly approved = new Set<number>();
  /** Gates of promotions that are to be judged, once what others know was asked. */
  readonly promotions = new Set<number>();
  readonly asked = new Map<number, AskedDecision>();
  readonly events: NewEvent[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly #changed = new Set<number>();
  readonly #notes = new Map<number, OutcomeNote>();
  readonly #delays = new Map<number, number>();
  readonly #results: KnownResults = new Map();
  #reason: string | null = null;

  constructor(entry: RunEntry, row: RunRow, rows: readonly StepRow[], pack: Pack) {
    this.entry = entry;
    this.row = row;
    this.rows = rows;
    this.pack = pack;
    this.state = {
      status: row.status,
      flags: row.flags,
      steps: rows,
      open: rows.filter((step) => !isFinal(step)).length,
    };
    if (row.status === 'running' || row.status === 'cancelling') this.#findAdmissible(rows.keys());
  }

  get isActive(): boolean {
    return !isRunFinal(this.state.status);
  }

  apply(fact: RunFact): boolean {
    const { run, changed, effects } = transition(this.entry.compiled.graph, this.state, fact);
    this.state = run;
    for (const idx of changed) {
      this.#changed.add(idx);
      this.#forgetResult(idx);
    }
    for (const effect of effects) this.#take(effect);
    if (run.status !== 'queued') this.#findAdmissible(fact.type === 'released' ? run.steps.keys() : changed);
    if (fact.type === 'cancel-requested') this.#reason = fact.reason;
    return changed.length > 0 || effects.length > 0;
  }

  /** Keeps what a worker said of the newest attempt, whatever becomes of the step. */
  note(idx: number, note: OutcomeNote): void {
    this.#notes.set(idx, note);
    this.#forgetResult(idx);
  }

  noteOf(idx: number): OutcomeNote {
    return this.#notes.get(idx) ?? readNote(this.rows[idx]?.outcome ?? {});
  }

  finished(idx: number): FinishedStep | undefined {
    const now = this.state.steps[idx];
    if (!now || !isFinal(now)) return undefined;
    return {
      status: now.status,
      outcome: this.noteOf(idx) as JsonObject,
    };
  }

  contexts(idx: number): ReturnType<typeof stepContexts> {
    const { contexts, compiled } = this.entry;
    return stepContexts(contexts, compiled, idx, (other) => this.finished(other), this.#results);
  }

  /** Environments that gates before a step have promoted to: those that have opened, in this run and not in one that it retries. */
  gatedBy(idx: number): readonly string[] {
    const isOpen = (gate: number): boolean =>
      this.state.steps[gate]?.status === 'succeeded' && this.noteOf(gate).carriedFrom === undefined;
    return gatedBy(this.entry.compiled, idx, (gate) => this.contexts(gate), isOpen);
  }

  isCompensation(idx: number): boolean {
    return idx >= this.entry.compiled.plan.steps.length;
  }

  ask(idx: number, asked: AskedDecision): void {
    this.asked.set(idx, asked);
    if (this.entry.compiled.facts[idx]?.isTemplated) this.judgedChars += textChars(asked.input().step?.with ?? null);
  }

  tell(event: NewEvent): void {
    this.events.push({ ...event, data: boundedData(event.data) });
  }

  stepChanges(queues: ReadonlyMap<string, number>): readonly StepChange[] {
    return [...this.#changed].map((idx) => {
      const step = this.state.steps[idx] as StepState;
      const asked = this.asked.get(idx);
      const note = this.#notes.get(idx);
      const isNew = idx >= this.rows.length;
      return {
        run: this.row.id,
        idx,
        status: step.status,
        pending: step.pending,
        flags: step.flags,
        retries: step.retries,
        iteration: step.iteration,
        hold: step.hold,
        generation: step.generation,
        reason: boundedReason(step.reason),
        decisionId: asked ? (this.decisionIds.get(asked.decision.inputDigest) ?? null) : null,
        packId: this.pack.packId,
        outcome: note ? (noteText(note) ?? '{}') : null,
        delayMs: step.status === 'held' ? (this.#delays.get(idx) ?? null) : null,
        isNew,
        queue: isNew ? (queues.get(`${this.row.pool}/${stepAt(this.entry.compiled, idx).runner}`) ?? 0) : 0,
        successors: isNew ? compensationAfter(this.entry.compiled.graph, this.state.steps, idx) : [],
      };
    });
  }

  /** Runner classes of the rows that are to be inserted. */
  newStepClasses(): readonly string[] {
    return [...this.#changed]
      .filter((idx) => idx >= this.rows.length)
      .map((idx) => stepAt(this.entry.compiled, idx).runner);
  }

  runChange(): RunChange | undefined {
    if (this.#changed.size === 0 && this.state.status === this.row.status) return undefined;
    const { compiled } = this.entry;
    const open = (idx: number): boolean => !isFinal(this.state.steps[idx] ?? STEP_NEW);
    const hasOpenCompensation = this.state.steps.some((step, idx) => this.isCompensation(idx) && !isFinal(step));
    return {
      run: this.row.id,
      status: this.state.status,
      flags: this.state.flags,
      sinksLeft: compiled.sinks.filter(open).length + (hasOpenCompensation ? 1 : 0),
      reason: boundedReason(this.#reason),
      concurrencyGroup: this.row.concurrencyGroup,
    };
  }

  get hasTimers(): boolean {
    return this.#delays.size > 0;
  }

  get changedCount(): number {
    return this.#changed.size;
  }

  #forgetResult(idx: number): void {
    this.#results.delete(stepAt(this.entry.compiled, idx).base);
  }

  #findAdmissible(indexes: Iterable<number>): void {
    for (const idx of indexes) {
      const step = this.state.steps[idx];
      if (step?.status === 'pending' && step.pending === 0) this.toAdmit.add(idx);
      else this.toAdmit.delete(idx);
    }
  }

  #take(effect: Effect): void {
    switch (effect.type) {
      case 'timer':
        this.#delays.set(effect.idx, effect.delayMs);
        return;
      case 'tell':
        this.tell({
          run: this.row.id,
          idx: effect.idx,
          type: effect.event,
          attempt: this.#attempt(effect.idx),
          data: effect.data,
        });
        return;
      case 'dead-letter':
        this.deadLetters.push({
          run: this.row.id,
          idx: effect.idx,
          errorClass: effect.errorClass,
          message: cutText(effect.message, EVENT_TEXT_CHARS_MAX),
        });
        return;
      case 'enqueue':
      case 'close':
        // Both show in the state that is written.
        return;
    }
  }

  #attempt(idx: number | null): number | null {
    return idx === null ? null : (this.state.steps[idx]?.attempt ?? null);
  }
}

function boundedReason(reason: string | null): string | null {
  return reason === null ? null : cutText(reason, REASON_CHARS_MAX);
}

/** Events may say more than rows, which are loaded with their whole run. */
function boundedData(data: Json): Json {
  if (!isJsonObject(data)) return data;
  const entries = Object.entries(data);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? cutText(value, EVENT_TEXT_CHARS_MAX) : value]),
  );
}
