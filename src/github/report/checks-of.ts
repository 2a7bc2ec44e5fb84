import type { Plan } from '../../pipeline/plan.ts';
import type { CheckConclusion, CheckSpec } from '../../protocol/check.ts';
import type { GitHubRun } from '../../protocol/github-run.ts';
import { type HoldKind, isRunFinal, isStepFinal, type RunView, type StepView } from '../../protocol/run.ts';
import { isDeploymentDecision } from '../protection/deployment-decision.ts';
import { shareAnnotations } from './annotations.ts';
import { APPROVE, CANCEL, DENY, RERUN } from './check-actions.ts';
import { plainLine } from './safe-text.ts';
import { failedStepCheck, gateCheck, type StepCheckContext, settledCheck } from './step-checks.ts';
import { summaryOf } from './summary.ts';

export interface CheckOptions {
  /** Where people reach the server: `https://maestro.example.com`; null where they do not. */
  readonly publicUrl: string | null;
  /** Pages of the jobs that its steps ran in, the newest first. */
  readonly jobs: readonly string[];
  /** Steps of the run that have a check already: those that wait or fail no more get its end told. */
  readonly standing: readonly string[];
  /** Last lines of the log of failed steps, by step id, as far as they are known. */
  readonly logTails: ReadonlyMap<string, string>;
  /** A newer run of the pipeline on the same commit speaks for it: of this one is told how it stands and whom it waits for. */
  readonly isSuperseded: boolean;
}

/** Holds that a person ends. */
const HELD_FOR_PEOPLE: readonly HoldKind[] = ['gate', 'ask', 'unknown-outcome'];
const TITLE_CHARS_MAX = 255;
/** A pipeline of a thousand failures is told by its aggregate. */
const STEP_CHECKS_MAX = 20;
const GATE_CHECKS_MAX = 50;

const CONCLUSIONS = {
  succeeded: 'success',
  failed: 'failure',
  cancelled: 'cancelled',
  rejected: 'failure',
} as const satisfies Partial<Record<RunView['status'], CheckConclusion>>;

/**
 * What a run's check runs should say: one for the pipeline, one for each step that waits for a person or failed.
 *
 * GitHub shows buttons on completed checks only, so a waiting gate is `completed` with `action_required`.
 */
export function checksOf(run: RunView, plan: Plan, place: GitHubRun, options: CheckOptions): readonly CheckSpec[] {
  const aggregate = aggregateCheck(run, plan, place, options);
  if (options.isSuperseded && isRunFinal(run.status)) return [aggregate];
  const tolerant = new Set(plan.steps.filter((step) => step.continueOnError === true).map((step) => step.id));
  const contextOf = (step: StepView): StepCheckContext => ({
    run,
    place,
    detailsUrl: aggregate.detailsUrl,
    isTolerated: run.status === 'succeeded' || tolerant.has(step.id),
  });
  const settled = run.steps.filter(
    (step) => options.standing.includes(step.id) && !isWaiting(step) && step.status !== 'failed',
  );
  return [
    aggregate,
    ...waitingSteps(run).map((step) => gateCheck(step, contextOf(step))),
    ...(options.isSuperseded ? [] : failureChecks(run, options, contextOf)),
    ...settled.map((step) => settledCheck(step, contextOf(step))),
  ];
}

function failureChecks(
  run: RunView,
  { logTails }: CheckOptions,
  contextOf: (step: StepView) => StepCheckContext,
): readonly CheckSpec[] {
  return shareAnnotations(failedSteps(run).toSorted(byEnd)).map(({ step, annotations }) =>
    failedStepCheck(step, contextOf(step), { logTail: logTails.get(step.id), annotations }),
  );
}

/** Steps of one moment keep their order. */
function byEnd(a: StepView, b: StepView): number {
  return Date.parse(a.finishedAt ?? '') - Date.parse(b.finishedAt ?? '') || 0;
}

/** Steps that failed, as far as each gets a check of its own: those whose log tails are worth reading. */
export function failedSteps(run: RunView): readonly StepView[] {
  return run.steps.filter((step) => step.status === 'failed').slice(0, STEP_CHECKS_MAX);
}

function waitingSteps(run: RunView): readonly StepView[] {
  return run.steps.filter(isWaiting).slice(0, GATE_CHECKS_MAX);
}

function isWaiting(step: StepView): boolean {
  return step.status === 'held' && step.hold !== null && HELD_FOR_PEOPLE.includes(step.hold.kind);
}

function aggregateCheck(run: RunView, plan: Plan, place: GitHubRun, options: CheckOptions): CheckSpec {
  const runUrl = runUrlOf(run, options);
  const base = {
    externalId: run.id,
    name: place.checkName,
    title: plainLine(TITLES[run.status](run), TITLE_CHARS_MAX),
    summary: summaryOf(run, plan, { runUrl, jobs: options.jobs }),
    text: null,
    annotations: [],
    asks: asksOf(run),
    detailsUrl: runUrl ?? options.jobs[0] ?? null,
    startedAt: run.startedAt ?? run.createdAt,
  };
  if (run.isConsentWanted)
    return {
      ...base,
      status: 'completed',
      conclusion: 'action_required',
      actions: [APPROVE, DENY, CANCEL],
      completedAt: run.createdAt,
    };
  if (!isRunFinal(run.status))
    return {
      ...base,
      status: run.status === 'queued' ? 'queued' : 'in_progress',
      conclusion: null,
      actions: [],
      completedAt: null,
    };
  const conclusion = CONCLUSIONS[run.status as keyof typeof CONCLUSIONS];
  return {
    ...base,
    status: 'completed',
    conclusion,
    actions: isRunAgain(run, place) ? [RERUN] : [],
    completedAt: run.finishedAt,
  };
}

function isRunAgain({ status }: RunView, place: GitHubRun): boolean {
  return (status === 'failed' || status === 'cancelled') && !isDeploymentDecision(place);
}

/** What people are asked for. */
function asksOf(run: RunView): readonly string[] {
  if (run.isConsentWanted) return ['consent'];
  return isRunFinal(run.status) ? [] : waitingSteps(run).map((step) => step.id);
}

const TITLES: Readonly<Record<RunView['status'], (run: RunView) => string>> = {
  queued: (run) => (run.isConsentWanted ? 'Waiting for consent' : withReason('Queued', run)),
  running: progressTitle,
  cancelling: () => 'Being cancelled',
  succeeded: (run) => `All ${run.steps.length} steps done`,
  failed: failureTitle,
  cancelled: (run) => withReason('Cancelled', run),
  rejected: (run) => withReason('Rejected by policy', run),
};

function withReason(word: string, run: RunView): string {
  return run.reason ? `${word}: ${run.reason}` : word;
}

function progressTitle(run: RunView): string {
  const waiting = run.steps.filter(isWaiting).map((step) => step.id);
  if (waiting.length > 0) return `Waiting for approval of ${waiting.join(', ')}`;
  const done = run.steps.filter((step) => isStepFinal(step.status)).length;
  // While it runs, a reason says what keeps its jobs from starting.
  return withReason(`${done} of ${run.steps.length} steps done`, run);
}

function failureTitle(run: RunView): string {
  const denied = run.steps.filter((step) => step.status === 'denied').map((step) => step.id);
  const failed = run.steps.filter((step) => step.status === 'failed').map((step) => step.id);
  const parts = [
    failed.length > 0 ? `Failed: ${failed.join(', ')}` : '',
    denied.length > 0 ? `Denied: ${denied.join(', ')}` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(' · ') : (run.reason ?? 'Failed');
}

function runUrlOf(run: RunView, { publicUrl }: CheckOptions): string | null {
  return publicUrl === null ? null : new URL(`/runs/${run.id}`, publicUrl).href;
}
