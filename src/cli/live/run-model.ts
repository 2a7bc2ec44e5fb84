import type { LogLine, RunEvent, RunEventType } from '../../protocol/event.ts';
import {
  type HoldKind,
  isStepFinal,
  type RunStatus,
  type RunView,
  type StepStatus,
  type StepView,
} from '../../protocol/run.ts';
import { safeText } from '../terminal-text.ts';

/** A step as it is shown. Texts are safe for a terminal. Instants are milliseconds since the epoch. */
export interface StepRow {
  readonly id: string;
  /** Length of the longest way from a step without needs: steps of one level can run side by side. */
  readonly level: number;
  readonly needs: readonly string[];
  status: StepStatus;
  attempts: number;
  iteration: number;
  startedMs: number | null;
  finishedMs: number | null;
  holdKind: HoldKind | null;
  /** When a hold ends by itself. */
  dueMs: number | null;
  reason: string;
  exitCode: number | null;
  isCacheHit: boolean;
  readonly isCompensation: boolean;
  /** The last lines that the current attempt wrote. */
  tail: readonly string[];
}

const TAIL_LINES_MAX = 12;
/** Compensations run one after the other, behind everything else. */
const COMPENSATION_LEVEL = 1_000_000;

/**
 * What a reader knows of a run: made from a RunView, then kept current by events and log lines.
 *
 * Events are folded for speed; `absorb` takes a whole RunView again wherever events say less than it does.
 */
export class RunModel {
  readonly id: string;
  readonly pipeline: string;
  readonly actor: string;
  readonly createdMs: number;
  status: RunStatus;
  reason: string;
  startedMs: number | null = null;
  finishedMs: number | null = null;
  lastSeq = 0;
  /** An event spoke of something that only a fresh RunView can tell. */
  isStale = false;
  /** In the plan's order, compensations last. */
  readonly steps: StepRow[] = [];
  readonly #byId = new Map<string, StepRow>();

  constructor(view: RunView) {
    this.id = view.id;
    this.pipeline = safeText(view.pipeline);
    this.actor = safeText(`${view.trigger.actor.provider}:${view.trigger.actor.id}`);
    this.createdMs = Date.parse(view.createdAt);
    this.status = view.status;
    this.reason = '';
    this.absorb(view);
  }

  step(id: string): StepRow | undefined {
    return this.#byId.get(id);
  }

  absorb(view: RunView): void {
    this.status = view.status;
    this.reason = safeText(view.reason ?? '');
    this.startedMs = parseInstant(view.startedAt);
    this.finishedMs = parseInstant(view.finishedAt);
    for (const step of view.steps) absorbStep(this.#byId.get(step.id) ?? this.#add(step), step);
    this.isStale = false;
  }

  /** False where the event was known already. */
  apply(event: RunEvent): boolean {
    if (event.seq <= this.lastSeq) return false;
    this.lastSeq = event.seq;
    if (event.step === null) this.#applyToRun(event);
    else this.#applyToStep(event, this.#byId.get(event.step));
    return true;
  }

  applyLog(line: LogLine): void {
    const row = this.#byId.get(line.step);
    const text = safeText(line.text).trim();
    if (row && text !== '') row.tail = [...row.tail.slice(1 - TAIL_LINES_MAX), text];
  }

  #add(step: StepView): StepRow {
    const levels = step.needs.map((id) => this.#byId.get(id)?.level ?? 0);
    const row: StepRow = {
      id: safeText(step.id),
      level: step.isCompensation
        ? COMPENSATION_LEVEL + this.steps.length
        : levels.reduce((max, level) => Math.max(max, level + 1), 0),
      needs: step.needs.map(safeText),
      isCompensation: step.isCompensation,
      tail: [],
      ...EMPTY_ROW,
    };
    this.steps.push(row);
    this.#byId.set(step.id, row);
    return row;
  }

  #applyToRun(event: RunEvent): void {
    const status = RUN_STATUS_OF[event.type];
    if (status) this.status = status;
    if (event.type === 'run.started') this.startedMs = Date.parse(event.at);
    if (status && ['succeeded', 'failed', 'cancelled', 'rejected'].includes(status)) {
      this.finishedMs = Date.parse(event.at);
      // Steps that never began end with the run, without an event each.
      this.isStale = true;
    }
    if (typeof event.data.reason === 'string') this.reason = safeText(event.data.reason);
  }

  #applyToStep(event: RunEvent, row: StepRow | undefined): void {
    if (!row) {
      this.isStale = true;
      return;
    }
    const status = STEP_STATUS_OF[event.type];
    if (!status) return;
    row.status = status;
    if (event.attempt !== null) row.attempts = Math.max(row.attempts, event.attempt);
    row.reason = textOf(event.data.reason) || textOf(event.data.message);
    foldTimes(row, event);
    foldHold(row, event);
    if (row.status === 'held' && row.dueMs === null) this.isStale = true;
  }
}

const EMPTY_ROW = {
  status: 'pending',
  attempts: 0,
  iteration: 0,
  startedMs: null,
  finishedMs: null,
  holdKind: null,
  dueMs: null,
  reason: '',
  exitCode: null,
  isCacheHit: false,
} as const;

const RUN_STATUS_OF: Partial<Record<RunEventType, RunStatus>> = {
  'run.queued': 'queued',
  'run.started': 'running',
  'run.cancelling': 'cancelling',
  'run.succeeded': 'succeeded',
  'run.failed': 'failed',
  'run.cancelled': 'cancelled',
  'run.rejected': 'rejected',
};

const STEP_STATUS_OF: Partial<Record<RunEventType, StepStatus>> = {
  'step.held': 'held',
  'approval.requested': 'held',
  'step.started': 'running',
  'step.succeeded': 'succeeded',
  'step.failed': 'failed',
  'step.retried': 'held',
  'step.iterated': 'pending',
  'step.skipped': 'skipped',
  'step.cancelled': 'cancelled',
  'step.denied': 'denied',
  'step.lost': 'pending',
};

function absorbStep(row: StepRow, step: StepView): void {
  row.status = step.status;
  row.attempts = step.attempts;
  row.iteration = step.iteration;
  row.startedMs = parseInstant(step.startedAt);
  row.finishedMs = parseInstant(step.finishedAt);
  row.holdKind = step.hold?.kind ?? null;
  row.dueMs = parseInstant(step.hold?.dueAt ?? null);
  row.reason = safeText(step.hold?.reason ?? step.reason ?? '');
  row.exitCode = step.exitCode;
  row.isCacheHit = step.isCacheHit;
}

function foldTimes(row: StepRow, event: RunEvent): void {
  if (event.type === 'step.started') {
    row.startedMs = Date.parse(event.at);
    row.finishedMs = null;
    row.tail = [];
  }
  if (event.type === 'step.iterated') row.iteration = numberOf(event.data.iteration) ?? row.iteration + 1;
  if (!isStepFinal(row.status)) return;
  row.finishedMs = Date.parse(event.at);
  row.exitCode = numberOf(event.data.exitCode) ?? row.exitCode;
  row.isCacheHit = event.data.isCacheHit === true;
}

function foldHold(row: StepRow, event: RunEvent): void {
  row.holdKind = null;
  row.dueMs = null;
  if (row.status !== 'held') return;
  row.holdKind = event.type === 'step.retried' ? 'backoff' : ((event.data.kind as HoldKind | undefined) ?? 'gate');
  const delayMs = numberOf(event.data.delayMs);
  if (delayMs !== null) row.dueMs = Date.parse(event.at) + delayMs;
}

function parseInstant(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? safeText(value) : '';
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
