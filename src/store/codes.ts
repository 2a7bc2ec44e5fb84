import type { RunEventType } from '../protocol/event.ts';
import type { HoldKind, RunStatus, StepStatus } from '../protocol/run.ts';

/**
 * The numbers behind `state`, `kind`, `hold` and `verdict` columns. They are stored: a number keeps its meaning for ever.
 * `stopping` is a running step that was told to stop; people see it as running.
 */
export type StepState = StepStatus | 'stopping';

export const STEP_STATES = [
  'pending',
  'held',
  'ready',
  'running',
  'stopping',
  'succeeded',
  'failed',
  'skipped',
  'cancelled',
  'denied',
] as const satisfies readonly StepState[];
export const RUN_STATES = [
  'queued',
  'running',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
  'rejected',
] as const satisfies readonly RunStatus[];
export const VERDICTS = ['allow', 'ask', 'deny'] as const;
export const HOLDS = [
  'gate',
  'ask',
  'wait',
  'backoff',
  'budget',
  'quota',
  'freeze',
  'unknown-outcome',
] as const satisfies readonly HoldKind[];
export const OUTBOX_KINDS = { settle: 1, seal: 2, group: 3, gate: 4 } as const;
export const EVIDENCE_KINDS = { open: 1, close: 2 } as const;

/** Index = number. Rows 10 and 11, and 1 to 6, are written by the SQL of the fast path. */
export const EVENT_TYPES: readonly (RunEventType | '')[] = [
  '',
  'run.queued',
  'run.started',
  'run.succeeded',
  'run.failed',
  'run.cancelled',
  'run.rejected',
  'run.cancelling',
  '',
  '',
  'step.started',
  'step.succeeded',
  'step.failed',
  'step.retried',
  'step.iterated',
  'step.skipped',
  'step.cancelled',
  'step.denied',
  'step.lost',
  'step.held',
  'approval.requested',
  'approval.answered',
  'receipt.signed',
  'step.annotated',
  'gate.judged',
  'secrets.released',
];

/** Number of a name; a name that the table lacks is a defect. */
export function codeOf<T extends string>(table: readonly T[], name: T): number {
  const code = table.indexOf(name);
  if (code < 0) throw new RangeError(`no code for ${name}`);
  return code;
}

export function nameOf<T extends string>(table: readonly T[], code: unknown): T {
  const name = table[Number(code)];
  if (name === undefined) throw new RangeError(`no name for code ${String(code)}`);
  return name;
}
