import { isRunFinal, type RunStatus } from '../protocol/run.ts';
import { backoffMs } from './backoff.ts';
import { Draft } from './draft.ts';
import {
  type Admission,
  type AttemptEnded,
  isFinal,
  type LeaseLost,
  RUN_FLAG,
  type RunFact,
  type RunGraph,
  type RunState,
  type StepState,
  type Transition,
} from './run-state.ts';

/**
 * The state machine of a run. Pure: the same state and fact give the same answer, and a stale fact gives no change.
 *
 * A step is `pending` until its dependencies are final, then it is admitted: `ready`, `held`, `skipped` or `denied`.
 * `ready` becomes `running` when a worker leases it (done by the store), `running` ends as `succeeded`, `failed` or
 * `cancelled`; a retry goes through `held` (backoff) and a loop through `pending` back to admission. `cancel-requested`
 * ends what has not begun and tells what runs to stop (`stopping`). A run closes when every step is final and, where it
 * failed or was cancelled, its compensations have run.
 */
export function transition(graph: RunGraph, run: RunState, fact: RunFact): Transition {
  if (isRunFinal(run.status)) return { run, changed: [], effects: [] };
  const draft = new Draft(graph, run);
  apply(draft, fact);
  closeWhenOver(draft);
  return draft.result();
}

function apply(draft: Draft, fact: RunFact): void {
  switch (fact.type) {
    case 'admitted':
      return admit(draft, fact.idx, fact.generation, fact.admission);
    case 'attempt-ended':
      return endAttempt(draft, fact);
    case 'lease-lost':
      return loseLease(draft, fact);
    case 'hold-passed':
      return passHold(draft, fact.idx, fact.generation);
    case 'hold-denied':
      return denyHold(draft, fact.idx, fact.generation, fact.reason);
    case 'hold-noted':
      return noteHold(draft, fact);
    case 'cancel-requested':
      return cancel(draft, fact.reason);
    case 'released':
      return release(draft);
    case 'revisited':
      return undefined;
  }
}

function admit(draft: Draft, idx: number, generation: number, admission: Admission): void {
  const step = draft.step(idx);
  const isOpen = (step.status === 'pending' && step.pending === 0) || step.status === 'held';
  if (!isOpen || step.generation !== generation || draft.status === 'queued') return;
  switch (admission.type) {
    case 'ready':
      draft.set(idx, { status: 'ready', hold: null, reason: null });
      draft.effects.push({ type: 'enqueue', idx });
      return;
    case 'skip':
      return draft.finish(idx, 'skipped', admission.reason, 'step.skipped');
    case 'deny':
      return draft.finish(idx, 'denied', admission.reason, 'step.denied');
    case 'fail':
      return draft.finish(idx, 'failed', admission.reason, 'step.failed');
    case 'hold':
      return hold(draft, idx, admission);
  }
}

function hold(draft: Draft, idx: number, why: Extract<Admission, { type: 'hold' }>): void {
  const generation = draft.step(idx).generation + 1;
  draft.set(idx, { status: 'held', hold: why.kind, generation, reason: why.reason });
  if (why.delayMs !== null) draft.effects.push({ type: 'timer', idx, generation, delayMs: why.delayMs });
  const isQuestion = why.kind === 'gate' || why.kind === 'ask' || why.kind === 'unknown-outcome';
  draft.tell(isQuestion ? 'approval.requested' : 'step.held', idx, { kind: why.kind, reason: why.reason });
}

function endAttempt(draft: Draft, fact: AttemptEnded): void {
  const step = draft.step(fact.idx);
  if (step.fence !== fact.fence || (step.status !== 'running' && step.status !== 'stopping')) return;
  if (fact.outcome === 'succeeded') return succeed(draft, fact);
  if (step.status === 'stopping')
    return draft.finish(fact.idx, 'cancelled', fact.message || 'cancelled', 'step.cancelled');
  if (fact.outcome === 'cancelled') return giveBack(draft, fact.idx, 'it was given back by its worker');
  fail(draft, fact.idx, fact.outcome === 'retry-later' ? { ...fact, errorClass: 'infra' } : fact);
}

function succeed(draft: Draft, fact: AttemptEnded): void {
  const { idx } = fact;
  const step = draft.step(idx);
  const loop = draft.planStep(idx).loop;
  if (loop === undefined || fact.isLoopDone !== false || step.status === 'stopping') {
    return draft.finish(idx, 'succeeded', null, 'step.succeeded');
  }
  const iteration = step.iteration + 1;
  if (iteration >= loop.max) {
    return fail(draft, idx, {
      errorClass: 'step',
      message: `the loop's condition did not hold after ${loop.max} iterations`,
      isAbsorbed: fact.isAbsorbed,
      chance: 0,
    });
  }
  draft.set(idx, { status: 'pending', iteration, retries: 0, generation: step.generation + 1, reason: null });
  draft.tell('step.iterated', idx, { iteration });
}

function fail(
  draft: Draft,
  idx: number,
  failure: Pick<AttemptEnded, 'errorClass' | 'message' | 'isAbsorbed' | 'chance'>,
): void {
  const step = draft.step(idx);
  const { retry } = draft.planStep(idx);
  const isRetried = retry.on.includes(failure.errorClass) && step.retries < retry.max;
  if (isRetried) {
    const delayMs = backoffMs(retry.backoff, step.retries, failure.chance);
    const generation = step.generation + 1;
    draft.set(idx, { status: 'held', hold: 'backoff', generation, retries: step.retries + 1, reason: failure.message });
    draft.effects.push({ type: 'timer', idx, generation, delayMs });
    return draft.tell('step.retried', idx, { class: failure.errorClass, message: failure.message, delayMs });
  }
  if (failure.errorClass !== 'step') {
    draft.effects.push({ type: 'dead-letter', idx, errorClass: failure.errorClass, message: failure.message });
  }
  draft.finish(idx, 'failed', failure.message, 'step.failed', failure.isAbsorbed);
}

function loseLease(draft: Draft, fact: LeaseLost): void {
  const { idx, fence, isCounted, isAbsorbed, chance } = fact;
  const step = draft.step(idx);
  if (step.fence !== fence || (step.status !== 'running' && step.status !== 'stopping')) return;
  draft.tell('step.lost', idx, null);
  if (step.status === 'stopping')
    return draft.finish(idx, 'cancelled', 'its worker was lost while it stopped', 'step.cancelled');
  if (!isCounted || !mayRunTwice(draft, idx)) return giveBack(draft, idx, 'its worker was lost');
  fail(draft, idx, { errorClass: 'infra', message: 'its worker was lost', isAbsorbed, chance });
}

/** Back to admission at once; not a failure of the step, so no retry is used up. Where it may not run twice, people decide. */
function giveBack(draft: Draft, idx: number, reason: string): void {
  if (!mayRunTwice(draft, idx)) {
    return hold(draft, idx, {
      type: 'hold',
      kind: 'unknown-outcome',
      reason: `${reason}, and it may not run twice: approve runs it again, deny fails it`,
      delayMs: null,
    });
  }
  // A new generation: a judgement on the step as it was before is stale.
  draft.set(idx, { status: 'pending', generation: draft.step(idx).generation + 1, reason });
}

/** What undoes a step may always run again. */
function mayRunTwice(draft: Draft, idx: number): boolean {
  return idx >= draft.planSize || draft.planStep(idx).isIdempotent;
}

function passHold(draft: Draft, idx: number, generation: number): void {
  const step = draft.step(idx);
  if (step.status !== 'held' || step.generation !== generation) return;
  if (step.hold === 'gate' || step.hold === 'wait') draft.finish(idx, 'succeeded', null, 'step.succeeded');
}

function denyHold(draft: Draft, idx: number, generation: number, reason: string): void {
  const step = draft.step(idx);
  if (step.status !== 'held' || step.generation !== generation) return;
  if (step.hold === 'unknown-outcome') return draft.finish(idx, 'failed', reason, 'step.failed');
  draft.finish(idx, 'denied', reason, 'step.denied');
}

/** The same hold, so that answers to it still count. */
function noteHold(draft: Draft, { idx, generation, reason, delayMs }: Extract<RunFact, { type: 'hold-noted' }>): void {
  const step = draft.step(idx);
  if (step.status !== 'held' || step.generation !== generation) return;
  draft.effects.push({ type: 'timer', idx, generation, delayMs });
  if (step.reason !== reason) draft.tell('gate.judged', idx, { reason });
  draft.set(idx, { reason });
}

function cancel(draft: Draft, reason: string): void {
  if (draft.status === 'cancelling') return;
  const wasQueued = draft.status === 'queued';
  draft.status = 'cancelling';
  draft.flags |= RUN_FLAG.cancelled;
  if (!wasQueued) draft.tell('run.cancelling', null, { reason });
  for (let idx = 0; idx < draft.planSize; idx++) {
    const step = draft.step(idx);
    if (step.status === 'running') draft.set(idx, { status: 'stopping' });
    else if (!isFinal(step) && step.status !== 'stopping') draft.set(idx, { status: 'cancelled', hold: null, reason });
  }
}

function release(draft: Draft): void {
  if (draft.status !== 'queued') return;
  draft.status = 'running';
  draft.tell('run.started', null, null);
}

function closeWhenOver(draft: Draft): void {
  if (draft.status === 'queued' || draft.open > 0) return;
  if (draft.flags & (RUN_FLAG.failed | RUN_FLAG.cancelled) && !(draft.flags & RUN_FLAG.compensating)) {
    if (addCompensations(draft)) return;
  }
  const status: RunStatus =
    draft.flags & RUN_FLAG.cancelled ? 'cancelled' : draft.flags & RUN_FLAG.failed ? 'failed' : 'succeeded';
  draft.status = status;
  draft.tell(`run.${status}`, null, null);
  draft.effects.push({ type: 'close', status });
}

/**
 * Compensations stand behind the plan's steps, one for each step that has one, and run one after the other, last first.
 * Those of steps that did not succeed have nothing to undo.
 */
function addCompensations(draft: Draft): boolean {
  const isDue = draft.graph.compensated.map((idx) => draft.step(idx).status === 'succeeded');
  const first = isDue.indexOf(true);
  if (first < 0) return false;
  draft.flags |= RUN_FLAG.compensating;
  isDue.forEach((due, i) => {
    const waits: Partial<StepState> = { pending: i === first ? 0 : 1 };
    draft.set(draft.planSize + i, due ? waits : { status: 'skipped', reason: 'nothing to undo' });
  });
  return true;
}
