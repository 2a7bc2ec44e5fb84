import type { Clock } from '../base/clock.ts';
import { isMaestroError, MaestroError, messageOf } from '../base/errors.ts';
import { evaluateCondition } from '../pipeline/expression.ts';
import type { Outcome } from '../protocol/outcome.ts';
import type { Session } from '../store/database.ts';
import { saveDecisions } from '../store/decisions.ts';
import { clearOutbox, postSettle } from '../store/outbox.ts';
import { saveQueues } from '../store/queues.ts';
import { lockRuns } from '../store/run-rows.ts';
import { addDeadLetters, addEvents, saveRuns, saveSteps } from '../store/settlements.ts';
import { deleteTimer, WHOLE_RUN } from '../store/timers.ts';
import { admitStep, expressionContexts, statusFunctions } from './admission.ts';
import { beginRun } from './begin-run.ts';
import { stepAt } from './compiled-plan.ts';
import { type GateAnswerAsk, takeAnswer, waitsForConsent } from './gates.ts';
import { noteOf } from './outcome-note.ts';
import type { Policies } from './policies.ts';
import { judgePromotion, type PromotionAsk } from './promotion.ts';
import { isPromotion, JUDGE_AGAIN_MS } from './promotion-step.ts';
import type { RunEntries } from './run-entry.ts';
import { type AttemptEnded, type StepState } from './run-state.ts';
import { RunWork } from './run-work.ts';
import { waitingGate } from './waiting-gate.ts';
import { JUDGED_CHARS_MAX } from './worker-limits.ts';

/** Something that a run is to be told. `answer` hears, after the commit, whether it changed anything, or why it was refused. */
export type Ask =
  | { readonly type: 'sweep' }
  | { readonly type: 'released' }
  /** Policy is another than before. */
  | { readonly type: 'policy' }
  | { readonly type: 'outcome'; readonly idx: number; readonly fence: number; readonly outcome: Outcome }
  | { readonly type: 'lost'; readonly idx: number; readonly fence: number; readonly isCounted: boolean }
  | { readonly type: 'timer'; readonly idx: number; readonly generation: number }
  | { readonly type: 'cancel'; readonly reason: string }
  | GateAnswerAsk
  | PromotionAsk;

export interface RunAsk {
  readonly run: number;
  readonly ask: Ask;
}

export interface SettleTools {
  readonly policies: Policies;
  readonly entries: RunEntries;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface Settled {
  /** One per ask, in order: true if it changed the run. */
  readonly answers: readonly boolean[];
  readonly closedRuns: readonly number[];
  /** Holds were begun that time will end. */
  readonly hasTimers: boolean;
  /** Workers hold steps that were told to stop. */
  readonly hasStopping: boolean;
  /** Steps of these could not be judged with the others: to be swept at once. */
  readonly unfinishedRuns: readonly number[];
  /** Gates of promotions of these are to be judged. */
  readonly promotionRuns: readonly number[];
}

/** Who settles goes on at once. Where it dies, a sweep does after this. */
const UNFINISHED_MS = 2000;

/**
 * The slow path: locks whole runs, applies what they are told through `transition`, judges the steps that this sets
 * free, and writes the difference. One transaction, any number of runs.
 */
export async function settleRuns(session: Session, tools: SettleTools, asks: readonly RunAsk[]): Promise<Settled> {
  const ids = [...new Set(asks.map((one) => one.run))].sort((a, b) => a - b);
  await tools.entries.load(session, ids);
  const works = await lockWorks(session, tools, ids);
  const answers: boolean[] = [];
  for (const { run, ask } of asks) {
    const work = works.get(run);
    if (!work && isOfPerson(ask)) throw new MaestroError('RUN_NOT_FOUND', `run ${run} is not in the database`);
    answers.push(work !== undefined && (await applyAsk(session, tools, work, ask)));
    if (work) admitAll(tools, work);
  }
  await writeWorks(session, [...works.values()]);
  await clearOutbox(session, 'settle', ids);
  const unfinished = [...works.values()].filter((work) => work.isUnfinished).map((work) => work.row.id);
  await postSettle(session, unfinished, UNFINISHED_MS);
  return { ...summary(answers, [...works.values()]), unfinishedRuns: unfinished };
}

function isOfPerson(ask: Ask): boolean {
  return ask.type === 'cancel' || ask.type === 'answer';
}

async function lockWorks(
  session: Session,
  tools: SettleTools,
  ids: readonly number[],
): Promise<ReadonlyMap<number, RunWork>> {
  const { runs, steps } = await lockRuns(session, ids);
  const policies = await tools.policies.load(
    session,
    runs.map((row) => row.namespaceId),
  );
  const byRun = Map.groupBy(steps, (step) => step.run);
  return new Map(
    runs.flatMap((row) => {
      const entry = tools.entries.get(row.id);
      const pack = policies.get(row.namespaceId)?.inForce;
      return entry && pack ? [[row.id, new RunWork(entry, row, byRun.get(row.id) ?? [], pack)] as const] : [];
    }),
  );
}

// The compiler sees that every case answers; the lint rule does not.
// oxlint-disable-next-line consistent-return
async function applyAsk(session: Session, tools: SettleTools, work: RunWork, ask: Ask): Promise<boolean> {
  switch (ask.type) {
    case 'sweep':
      return work.apply({ type: 'revisited' });
    case 'policy':
      return reconsider(work);
    case 'released':
      return !(await waitsForConsent(session, work)) && beginRun(session, work);
    case 'cancel':
      return work.apply({ type: 'cancel-requested', reason: ask.reason });
    case 'lost':
      return applyLoss(tools, work, ask);
    case 'outcome':
      return applyOutcome(tools, work, ask.idx, ask.fence, ask.outcome);
    case 'answer':
      return takeAnswer(session, work, ask, tools.clock.now());
    case 'promotion':
      return judgePromotion(session, work, ask, tools.clock.now());
    case 'timer':
      await deleteTimer(session, { run: work.row.id, idx: ask.idx, generation: ask.generation });
      return ask.idx === WHOLE_RUN ? endOfBudget(work) : applyTimer(work, ask.idx, ask.generation);
  }
}

/** What people are asked about because policy wanted it so goes on, or ends, where it does not any more. Answers stay. */
function reconsider(work: RunWork): boolean {
  for (const [idx, { status, hold }] of work.state.steps.entries()) {
    if (status !== 'held') continue;
    if (hold === 'gate' && isPromotion(stepAt(work.entry.compiled, idx))) work.promotions.add(idx);
    if (hold === 'ask' && waitingGate(work, idx).asked.decision.verdict !== 'ask') work.toAdmit.add(idx);
  }
  return work.toAdmit.size > 0;
}

function applyOutcome(tools: SettleTools, work: RunWork, idx: number, fence: number, outcome: Outcome): boolean {
  const step = work.state.steps[idx];
  if (!step || step.fence !== fence) return false;
  if (step.status !== 'running' && step.status !== 'stopping') return wasRecorded(work, idx, fence, step);
  const judged = judgeOutcome(work, idx, step, outcome);
  const isRecorded = work.apply(attemptEnded(idx, fence, outcome, judged, tools.random()));
  if (isRecorded) {
    const isAbsorbed = judged.isAbsorbed && work.state.steps[idx]?.status === 'failed';
    work.note(idx, { ...noteOf(outcome), endedFence: fence, ...(isAbsorbed ? { isAbsorbed } : {}) });
  }
  return isRecorded;
}

/** The same outcome sent again is answered as before and changes nothing. An attempt that others ended is lost. */
function wasRecorded(work: RunWork, idx: number, fence: number, step: StepState): boolean {
  return step.status === 'succeeded' || work.noteOf(idx).endedFence === fence;
}

function applyLoss(tools: SettleTools, work: RunWork, ask: Extract<Ask, { type: 'lost' }>): boolean {
  const { idx, fence } = ask;
  const step = work.state.steps[idx];
  const isAbsorbed = step !== undefined && step.fence === fence && absorbsSafely(work, idx, step);
  const isChanged = work.apply({ ...ask, type: 'lease-lost', isAbsorbed, chance: tools.random() });
  // Nobody said how the attempt ended: what an earlier one said is no longer true of the step.
  if (isChanged) work.note(idx, isAbsorbed && work.state.steps[idx]?.status === 'failed' ? { isAbsorbed } : {});
  return isChanged;
}

function absorbsSafely(work: RunWork, idx: number, step: StepState): boolean {
  try {
    return absorbs(work, idx, step);
  } catch (error) {
    if (!isMaestroError(error)) throw error;
    return false;
  }
}

function attemptEnded(
  idx: number,
  fence: number,
  outcome: Outcome,
  judged: JudgedOutcome,
  chance: number,
): AttemptEnded {
  const exit = outcome.exitCode === undefined ? '' : `exit code ${outcome.exitCode}`;
  return {
    type: 'attempt-ended',
    idx,
    fence,
    outcome: judged.failure === undefined ? outcome.kind : 'failed',
    errorClass: outcome.errorClass ?? 'step',
    message: judged.failure ?? outcome.message ?? exit,
    isAbsorbed: judged.isAbsorbed,
    isLoopDone: judged.isLoopDone,
    chance,
  };
}

interface JudgedOutcome {
  readonly isAbsorbed: boolean;
  readonly isLoopDone: boolean | null;
  /** An expression of the step that could not be evaluated. */
  readonly failure?: string;
}

/** Evaluates what the plan says about the end of the step: `loop.until` on success, `continue-on-error` on failure. */
function judgeOutcome(work: RunWork, idx: number, now: StepState, outcome: Outcome): JudgedOutcome {
  const isPlain = outcome.kind === 'succeeded' && stepAt(work.entry.compiled, idx).loop === undefined;
  if (isPlain) return { isAbsorbed: false, isLoopDone: null };
  try {
    const isAbsorbed = absorbs(work, idx, now);
    return { isAbsorbed, ...judgeLoop(work, idx, now, outcome) };
  } catch (error) {
    if (!isMaestroError(error)) throw error;
    return { isAbsorbed: false, isLoopDone: null, failure: failureText(error) };
  }
}

function judgeLoop(work: RunWork, idx: number, now: StepState, outcome: Outcome): Omit<JudgedOutcome, 'isAbsorbed'> {
  const step = stepAt(work.entry.compiled, idx);
  if (outcome.kind !== 'succeeded' || step.loop === undefined) return { isLoopDone: null };
  const contexts = expressionContexts(work.contexts(idx));
  const own = { outputs: outcome.outputs ?? {}, result: 'success', outcome: 'success', conclusion: 'success' };
  const steps = { ...contexts.steps, [step.base]: own };
  try {
    return { isLoopDone: evaluateCondition(step.loop.until, { ...contexts, steps }, functionsOf(work, now)) };
  } catch (error) {
    if (!isMaestroError(error)) throw error;
    return { isLoopDone: null, failure: failureText(error) };
  }
}

/** `continue-on-error`, evaluated. */
function absorbs(work: RunWork, idx: number, now: StepState): boolean {
  const { continueOnError } = stepAt(work.entry.compiled, idx);
  if (typeof continueOnError === 'boolean') return continueOnError;
  return evaluateCondition(continueOnError, expressionContexts(work.contexts(idx)), functionsOf(work, now));
}

function functionsOf(work: RunWork, now: StepState): ReturnType<typeof statusFunctions> {
  return statusFunctions({ flags: now.flags, isCancelling: work.state.status === 'cancelling' });
}

function failureText(error: MaestroError): string {
  return `${error.code}: ${messageOf(error)}`;
}

function endOfBudget(work: RunWork): boolean {
  const { budget } = work.entry.compiled.plan;
  return work.apply({ type: 'cancel-requested', reason: `its budget of ${budget?.minutes ?? 0} minutes is used up` });
}

function applyTimer(work: RunWork, idx: number, generation: number): boolean {
  const step = work.state.steps[idx];
  if (!step || step.status !== 'held' || step.generation !== generation) return false;
  if (step.hold === 'wait') return work.apply({ type: 'hold-passed', idx, generation });
  if (step.hold === 'gate' && isPromotion(stepAt(work.entry.compiled, idx))) {
    work.promotions.add(idx);
    const reason = step.reason ?? '';
    return work.apply({ type: 'hold-noted', idx, generation, reason, delayMs: JUDGE_AGAIN_MS });
  }
  if (step.hold === 'gate' || step.hold === 'ask')
    return work.apply({ type: 'hold-denied', idx, generation, reason: 'nobody answered in time' });
  work.toAdmit.add(idx);
  return true;
}

/** Judges until nothing is left to judge, or the rest waits for the next time: a skipped step sets free what follows it. */
function admitAll(tools: SettleTools, work: RunWork): void {
  for (let [idx] = work.toAdmit; idx !== undefined && work.isActive; [idx] = work.toAdmit) {
    work.toAdmit.delete(idx);
    const now = work.state.steps[idx] as StepState;
    // Who looks at the run again finds it. What was held would not be found: its timer is gone.
    if (work.judgedChars > JUDGED_CHARS_MAX && now.status === 'pending') {
      work.isUnfinished = true;
      continue;
    }
    const isCompensation = work.isCompensation(idx);
    const { admission, asked } = admitStep(work.pack.policy, {
      entry: work.entry,
      step: stepAt(work.entry.compiled, idx),
      idx,
      flags: now.flags,
      isCancelling: work.state.status === 'cancelling',
      isCompensation,
      gatedBy: work.gatedBy(idx),
      isApproved: work.approved.has(idx),
      contexts: work.contexts(idx),
      nowMs: tools.clock.now(),
    });
    if (asked) work.ask(idx, asked);
    work.apply({ type: 'admitted', idx, generation: now.generation, admission });
    if (admission.type === 'hold' && isPromotion(stepAt(work.entry.compiled, idx))) work.promotions.add(idx);
  }
}

async function writeWorks(session: Session, works: readonly RunWork[]): Promise<void> {
  await saveAsked(session, works);
  const queues = await newStepQueues(session, works);
  await saveSteps(
    session,
    works.flatMap((work) => work.stepChanges(queues)),
  );
  await saveRuns(
    session,
    works.flatMap((work) => work.runChange() ?? []),
  );
  await addEvents(
    session,
    works.flatMap((work) => work.events),
  );
  await addDeadLetters(
    session,
    works.flatMap((work) => work.deadLetters),
  );
}

async function saveAsked(session: Session, works: readonly RunWork[]): Promise<void> {
  for (const [pack, own] of Map.groupBy(works, (work) => work.pack)) {
    const asked = own.flatMap((work) => [...work.asked.values()]);
    if (asked.length > 0) keepIds(own, await saveDecisions(session, pack.packId, asked));
  }
}

function keepIds(works: readonly RunWork[], ids: ReadonlyMap<string, number>): void {
  for (const work of works) work.decisionIds = ids;
}

/** Queues of compensations, by `pool/class`. */
async function newStepQueues(session: Session, works: readonly RunWork[]): Promise<ReadonlyMap<string, number>> {
  const names = works.flatMap((work) => work.newStepClasses().map((name) => ({ pool: work.row.pool, class: name })));
  const ids = names.length > 0 ? await saveQueues(session, names) : [];
  return new Map(names.map((name, i) => [`${name.pool}/${name.class}`, ids[i] ?? 0]));
}

function summary(answers: readonly boolean[], works: readonly RunWork[]): Omit<Settled, 'unfinishedRuns'> {
  const has = (status: StepState['status']): boolean =>
    works.some((work) => work.changedCount > 0 && work.state.steps.some((step) => step.status === status));
  return {
    answers,
    closedRuns: works
      .filter((work) => !work.isActive && work.changedCount + work.events.length > 0)
      .map((work) => work.row.id),
    hasTimers: works.some((work) => work.hasTimers),
    hasStopping: has('stopping'),
    promotionRuns: works.filter((work) => work.promotions.size > 0).map((work) => work.row.id),
  };
}
