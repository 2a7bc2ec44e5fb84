import type { JsonObject } from '../base/json.ts';

/** Facts about a run, in the past tense. The single source of timelines, streams, check runs and webhooks out. */
export type RunEventType =
  | 'run.queued'
  | 'run.started'
  | 'run.cancelling'
  | 'run.succeeded'
  | 'run.failed'
  | 'run.cancelled'
  | 'run.rejected'
  | 'step.held'
  | 'step.started'
  | 'step.succeeded'
  | 'step.failed'
  | 'step.retried'
  | 'step.iterated'
  | 'step.skipped'
  | 'step.cancelled'
  | 'step.denied'
  | 'step.lost'
  | 'step.annotated'
  | 'approval.requested'
  | 'approval.answered'
  | 'gate.judged'
  | 'secrets.released'
  | 'receipt.signed';

export interface RunEvent {
  /** Counts from 1 within the run, without gaps, in the order in which the facts became visible. */
  readonly seq: number;
  readonly runId: string;
  readonly at: string;
  readonly type: RunEventType;
  /** The plan's step id, where the fact is about a step. */
  readonly step: string | null;
  readonly attempt: number | null;
  readonly data: JsonObject;
}

/** A piece of a log, not always whole lines: pieces of one attempt follow one another. */
export interface LogLine {
  readonly step: string;
  readonly attempt: number;
  readonly text: string;
}
