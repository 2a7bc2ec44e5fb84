import { isMaestroError } from '../../base/errors.ts';
import { type Dispatches, type DueDispatch, EVERY_CLASS } from '../../protocol/dispatch.ts';
import type { WorkflowDispatch } from '../../protocol/workflow-dispatch.ts';
import type { InstallationPause } from './installation-pause.ts';

const MINUTE_MS = 60_000;
/** Longer than all calls that one dispatch can make: whoever gets it then finds no other at work on it. */
export const HOLD_MS = 150_000;
/** File below `.github/workflows` of the user's repository. */
const WORKFLOW = 'maestro.yml';
/** After that many refusals, with doubling pauses, nobody is about to mend it. */
const REFUSALS_MAX = 4;
const REFUSAL_PAUSE_MS = 30_000;
/** A job that no runner took for this long says so on the check. It goes on waiting: GitHub ends it after a day. */
const QUEUED_MS_MAX = 10 * MINUTE_MS;
/** GitHub took the dispatch, but said no id and shows no workflow run. */
const UNSEEN_MS_MAX = 10 * MINUTE_MS;
const UNSEEN_LOOK_MS = 15_000;
const RUNNING_LOOK_MS = 5 * MINUTE_MS;
/** A running job of a run that is over ends by itself: it is told to drain. */
const DRAIN_MS_MAX = 5 * MINUTE_MS;
const UNREACHABLE_PAUSE_MS = 15_000;
/** Until then a workflow run that came of an unanswered call shows in GitHub's lists. */
const UNKNOWN_LOOK_MS = MINUTE_MS;
/** GitHub answered that it will not: the App lacks a permission, or the repository is archived. Nobody mends that at once. */
const REFUSED_LOOK_MS = 5 * MINUTE_MS;
/** What is left of a run that is over for so long, GitHub does not let go: its jobs end by themselves. */
const OVER_MS_MAX = 30 * MINUTE_MS;

export interface AttendTools {
  readonly dispatches: Dispatches;
  readonly github: WorkflowDispatch;
  readonly pause: InstallationPause;
  /** Answers false where the steps were not failed, because everything is about to end. */
  readonly giveUp: (runId: string, runnerClass: string, reason: string) => Promise<boolean>;
  /** What `problemOf` answers for the run may have changed. */
  readonly onProblem: (runId: string) => void;
  /** A job is live no more: others may have its place. */
  readonly onEnded: () => void;
}

/**
 * Takes one dispatch a step further. Idempotent: it is called again after a crash at any point.
 *
 * `requested` -call-> `queued` -a runner takes it-> `running` -> `ended` | `lost`; once the run is over, `ended` from anywhere.
 * @throws what GitHub's calls throw, but not for being limited: then it is put off
 */
export async function attend(tools: AttendTools, due: DueDispatch): Promise<void> {
  const restMs = tools.pause.restMs(due.installationId);
  if (restMs > 0) return tools.dispatches.later(due.dispatchId, restMs);
  try {
    if (due.overForMs !== null) await clearAway(tools, due, due.overForMs);
    else if (due.status === 'requested') await call(tools, due);
    else await lookAtRun(tools, due);
  } catch (error) {
    if (!isMaestroError(error, 'RATE_LIMITED')) return putOff(tools, due, error);
    tools.pause.begin(due.installationId, null);
    await tools.dispatches.later(due.dispatchId, tools.pause.restMs(due.installationId));
  }
}

async function putOff(tools: AttendTools, due: DueDispatch, error: unknown): Promise<never> {
  const isAnswered = isMaestroError(error, 'CONFLICT');
  // Before the next of this installation waits as long as this one did.
  if (!isAnswered) tools.pause.begin(due.installationId, UNREACHABLE_PAUSE_MS);
  if (due.overForMs !== null && due.overForMs >= OVER_MS_MAX) await end(tools, due, 'ended', null);
  else await tools.dispatches.later(due.dispatchId, isAnswered ? REFUSED_LOOK_MS : UNKNOWN_LOOK_MS);
  throw error;
}

async function call(tools: AttendTools, due: DueDispatch): Promise<void> {
  const { dispatches, github, pause } = tools;
  if (due.isUncertain) {
    const restMs = unseenForMs(due);
    if (restMs > 0) return dispatches.later(due.dispatchId, restMs);
    const found = await github.findRun(due, WORKFLOW, due.dispatchId, due.requestedAt);
    if (found !== undefined) return accept(tools, due, found);
  }
  if (!(await dispatches.calling(due.dispatchId, due.fence, HOLD_MS))) return;
  const answer = await github.dispatch({
    target: { installationId: due.installationId, owner: due.owner, repo: due.repo },
    workflow: WORKFLOW,
    ref: due.ref,
    inputs: { dispatch_id: due.dispatchId, run: due.runId, class: due.class, labels: JSON.stringify(due.labels) },
  });
  if (answer.status === 'limited') {
    pause.begin(due.installationId, answer.retryAfterMs);
    const restMs = pause.restMs(due.installationId);
    await dispatches.later(due.dispatchId, restMs, { isCertain: true });
    return;
  }
  pause.end(due.installationId);
  if (answer.status === 'refused') return refuse(tools, due, answer.problem);
  return accept(tools, due, answer.workflowRunId);
}

/** How long what came of the last call may not show in GitHub's lists yet. */
function unseenForMs({ calledAgoMs }: DueDispatch): number {
  return calledAgoMs === null ? 0 : Math.max(0, UNKNOWN_LOOK_MS - calledAgoMs);
}

async function accept(
  { dispatches, github, onProblem }: AttendTools,
  due: DueDispatch,
  id: number | null,
): Promise<void> {
  const isAwaited = await dispatches.accepted(due.dispatchId, id, id === null ? UNSEEN_LOOK_MS : QUEUED_MS_MAX);
  // The run ended during the call, and its dispatches with it: nobody else knows of this job.
  if (!isAwaited && id !== null) await github.cancel(due, id);
  if (due.problem !== null) onProblem(due.runId);
}

async function refuse(tools: AttendTools, due: DueDispatch, problem: string): Promise<void> {
  if (due.refusals + 1 < REFUSALS_MAX) {
    await tools.dispatches.refused(due.dispatchId, problem, REFUSAL_PAUSE_MS * 2 ** due.refusals);
  } else {
    // First the steps: after a crash in between it is refused, and they are failed, once more.
    if (!(await tools.giveUp(due.runId, due.class, problem))) return;
    await end(tools, due, 'lost', problem);
  }
  tools.onProblem(due.runId);
}

async function lookAtRun(tools: AttendTools, due: DueDispatch): Promise<void> {
  const { dispatches, github } = tools;
  const workflowRunId = due.workflowRunId ?? (await adoptUnseen(tools, due));
  if (workflowRunId === undefined) return;
  const seen = await github.readRun(due, workflowRunId);
  if (!seen) return lose(tools, due, `workflow run ${workflowRunId} was deleted`);
  const changed = await dispatches.observe({
    repositoryId: due.repositoryId,
    workflowRunId,
    runAttempt: seen.attempt,
    status: seen.status,
    conclusion: seen.conclusion,
    isWholeRun: true,
  });
  if (changed?.status === 'ended' || changed?.status === 'lost') tools.onEnded();
  if (changed) return tools.onProblem(due.runId);
  if (seen.status === 'completed') return lose(tools, due, `workflow run ${workflowRunId} has ended`);
  if (due.status === 'running') return dispatches.later(due.dispatchId, RUNNING_LOOK_MS);
  if (due.statusAgeMs < QUEUED_MS_MAX) return dispatches.later(due.dispatchId, QUEUED_MS_MAX - due.statusAgeMs);
  await dispatches.later(due.dispatchId, QUEUED_MS_MAX, {
    problem: `no runner with labels [${due.labels.join(', ')}] took the job for ${Math.floor(due.statusAgeMs / MINUTE_MS)} min`,
  });
  tools.onProblem(due.runId);
}

/** The workflow run of a dispatch whose answer had no id. */
async function adoptUnseen(tools: AttendTools, due: DueDispatch): Promise<number | undefined> {
  const found = await tools.github.findRun(due, WORKFLOW, due.dispatchId, due.requestedAt);
  if (found !== undefined) {
    await tools.dispatches.matched(due.dispatchId, due.repositoryId, found);
    return found;
  }
  if (due.statusAgeMs < UNSEEN_MS_MAX) await tools.dispatches.later(due.dispatchId, UNSEEN_LOOK_MS);
  else await lose(tools, due, 'GitHub took the dispatch, but no workflow run came of it');
  return undefined;
}

async function lose(tools: AttendTools, due: DueDispatch, problem: string): Promise<void> {
  await end(tools, due, 'lost', problem);
  tools.onProblem(due.runId);
}

async function end(tools: AttendTools, due: DueDispatch, status: 'ended' | 'lost', problem: string | null) {
  await tools.dispatches.end(due.dispatchId, status, problem);
  tools.onEnded();
}

/** The run is over: what has not started is cancelled, what runs gets time to end by itself. */
async function clearAway(tools: AttendTools, due: DueDispatch, overForMs: number): Promise<void> {
  const { dispatches, github } = tools;
  // A user's own workflow: what else it does is not ours to cancel.
  if (due.class === EVERY_CLASS) return end(tools, due, 'ended', null);
  if (due.status === 'running' && overForMs < DRAIN_MS_MAX) {
    return dispatches.later(due.dispatchId, DRAIN_MS_MAX - overForMs);
  }
  const isKnown = due.status !== 'requested' || due.isUncertain;
  const restMs = isKnown && due.workflowRunId === null ? unseenForMs(due) : 0;
  if (restMs > 0) return dispatches.later(due.dispatchId, restMs);
  const workflowRunId = isKnown
    ? (due.workflowRunId ?? (await github.findRun(due, WORKFLOW, due.dispatchId, due.requestedAt)))
    : undefined;
  if (workflowRunId !== undefined) await github.cancel(due, workflowRunId);
  await end(tools, due, 'ended', null);
}
