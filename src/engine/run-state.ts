import type { PlanStep, RetryClass } from '../pipeline/plan.ts';
import { type HoldKind, isStepFinal, type RunStatus, type StepStatus } from '../protocol/run.ts';

/** What happened to an ancestor; carried on to everything that follows. */
export const UPSTREAM = { failed: 1, skipped: 2 } as const;
/** What happened in the run. */
export const RUN_FLAG = { failed: 1, denied: 2, compensating: 4, cancelled: 8 } as const;

export interface StepState {
  /** `stopping`: running, and told to stop. */
  readonly status: StepStatus | 'stopping';
  /** Dependencies that are not final. */
  readonly pending: number;
  /** Bits of UPSTREAM. */
  readonly flags: number;
  readonly attempt: number;
  /** Retries used in this iteration. */
  readonly retries: number;
  readonly iteration: number;
  readonly fence: number;
  readonly hold: HoldKind | null;
  /** Grows with each hold; answers and timers name the one they mean. */
  readonly generation: number;
  readonly reason: string | null;
}

export interface RunState {
  readonly status: RunStatus;
  /** Bits of RUN_FLAG. */
  readonly flags: number;
  /** Plan steps, then compensations once the run has them. */
  readonly steps: readonly StepState[];
  /** How many of them are not final. */
  readonly open: number;
}

/** The shape that a plan gives to a run: what `transition` needs of it. */
export interface RunGraph {
  readonly steps: readonly PlanStep[];
  readonly successors: readonly (readonly number[])[];
  /** Indexes of steps that have a compensation, last first. */
  readonly compensated: readonly number[];
}

export const STEP_NEW: StepState = {
  status: 'pending',
  pending: 0,
  flags: 0,
  attempt: 0,
  retries: 0,
  iteration: 0,
  fence: 0,
  hold: null,
  generation: 0,
  reason: null,
};

export function isFinal(step: StepState): boolean {
  return step.status !== 'stopping' && isStepFinal(step.status);
}

/** A fact about a run. Whatever came from outside (time, chance, policy, people) is in it, so that `transition` is pure. */
export type RunFact =
  | { readonly type: 'admitted'; readonly idx: number; readonly generation: number; readonly admission: Admission }
  | AttemptEnded
  | LeaseLost
  | { readonly type: 'hold-passed'; readonly idx: number; readonly generation: number }
  | { readonly type: 'hold-denied'; readonly idx: number; readonly generation: number; readonly reason: string }
  /** It goes on waiting, for something else than before. */
  | {
      readonly type: 'hold-noted';
      readonly idx: number;
      readonly generation: number;
      readonly reason: string;
      readonly delayMs: number;
    }
  | { readonly type: 'cancel-requested'; readonly reason: string }
  | { readonly type: 'released' }
  /** Nothing new: a tick has counted the run down, and what follows from that is to be seen to. */
  | { readonly type: 'revisited' };

export interface LeaseLost {
  readonly type: 'lease-lost';
  readonly idx: number;
  readonly fence: number;
  /** False where the loss is nobody's fault: the worker left, or a person restarted it. */
  readonly isCounted: boolean;
  /** `continue-on-error`, evaluated. */
  readonly isAbsorbed: boolean;
  /** Uniform in [0, 1), for the jitter. */
  readonly chance: number;
}

export interface AttemptEnded {
  readonly type: 'attempt-ended';
  readonly idx: number;
  readonly fence: number;
  readonly outcome: 'succeeded' | 'failed' | 'cancelled' | 'retry-later';
  readonly errorClass: RetryClass;
  readonly message: string;
  /** `continue-on-error`, evaluated. */
  readonly isAbsorbed: boolean;
  /** `loop.until`, evaluated; null where the step has no loop. */
  readonly isLoopDone: boolean | null;
  /** Uniform in [0, 1), for the jitter. */
  readonly chance: number;
}

/** The conductor's judgement on a step whose dependencies are final. */
export type Admission =
  | { readonly type: 'ready' }
  | { readonly type: 'skip'; readonly reason: string }
  | { readonly type: 'deny'; readonly reason: string }
  | { readonly type: 'fail'; readonly reason: string }
  | {
      readonly type: 'hold';
      readonly kind: HoldKind;
      readonly reason: string /** Null: only an answer ends it. */;
      readonly delayMs: number | null;
    };

export type Effect =
  | { readonly type: 'enqueue'; readonly idx: number }
  | { readonly type: 'timer'; readonly idx: number; readonly generation: number; readonly delayMs: number }
  | {
      readonly type: 'tell';
      readonly event: ToldEvent;
      readonly idx: number | null;
      readonly data: Readonly<Record<string, string | number>> | null;
    }
  | { readonly type: 'dead-letter'; readonly idx: number; readonly errorClass: RetryClass; readonly message: string }
  | { readonly type: 'close'; readonly status: RunStatus };

export type ToldEvent =
  | 'run.started'
  | 'run.cancelling'
  | 'run.succeeded'
  | 'run.failed'
  | 'run.cancelled'
  | 'step.succeeded'
  | 'step.failed'
  | 'step.retried'
  | 'step.iterated'
  | 'step.skipped'
  | 'step.cancelled'
  | 'step.denied'
  | 'step.lost'
  | 'step.held'
  | 'approval.requested'
  | 'gate.judged';

export interface Transition {
  readonly run: RunState;
  /** Indexes whose state differs. Empty, with no effects: the fact was stale. */
  readonly changed: readonly number[];
  readonly effects: readonly Effect[];
}
