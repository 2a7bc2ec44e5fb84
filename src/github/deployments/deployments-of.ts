import type { Plan } from '../../pipeline/plan.ts';
import type { DeploymentSpec, DeploymentState } from '../../protocol/deployment-board.ts';
import { isStepFinal, type RunView, type StepView } from '../../protocol/run.ts';
import { plainLine } from '../report/safe-text.ts';

/** What the policy's data say of an environment, as far as GitHub shows it. */
export interface EnvironmentFacts {
  /** Where people reach it; null where nobody says. */
  readonly url: string | null;
  readonly isProduction: boolean;
}

export interface DeploymentOptions {
  readonly environmentOf: (name: string) => EnvironmentFacts;
  /** Environments of which something was said for the run: how that ends is said too. */
  readonly standing: readonly string[];
  /** Page of what happens; null where there is none yet. */
  readonly logUrl: string | null;
}

/** GitHub's own limit. */
const DESCRIPTION_CHARS_MAX = 140;
/** Each costs two writes and more. */
const ENVIRONMENTS_MAX = 50;
const ENVIRONMENT_CHARS_MAX = 255;

/**
 * What a run's deployments should say: one for each environment that its steps bring something to. A gate alone brings
 * nothing there: what it lets happen, somebody else does and tells.
 */
export function deploymentsOf(run: RunView, plan: Plan, options: DeploymentOptions): readonly DeploymentSpec[] {
  const tolerant = new Set(plan.steps.filter((step) => step.continueOnError === true).map((step) => step.id));
  const steps = Map.groupBy(run.steps, (step) => step.environment ?? '');
  return [...steps.keys()]
    .filter((name) => name !== '' && name.length <= ENVIRONMENT_CHARS_MAX)
    .slice(0, ENVIRONMENTS_MAX)
    .flatMap((environment) => {
      const own = steps.get(environment) ?? [];
      const standing = standingOf(own, tolerant, options.standing.includes(environment));
      if (standing === undefined) return [];
      const isVain = OVER.has(standing.state) && own.every(({ attempts }) => attempts === 0);
      return [{ ...specOf(run, environment, standing, options), isVain }];
    });
}

interface Standing {
  readonly state: DeploymentState;
  readonly description: string;
}

const OVER: ReadonlySet<DeploymentState> = new Set(['error', 'failure', 'inactive']);

function specOf(
  run: RunView,
  environment: string,
  { state, description }: Standing,
  { environmentOf, logUrl }: DeploymentOptions,
): Omit<DeploymentSpec, 'isVain'> {
  const { url, isProduction } = environmentOf(environment);
  return {
    externalId: `${run.id}/environment/${environment}`,
    runId: run.id,
    planDigest: run.planDigest,
    environment,
    title: plainLine(`${run.pipeline}: run ${run.id}`, DESCRIPTION_CHARS_MAX),
    state,
    description: plainLine(description, DESCRIPTION_CHARS_MAX),
    logUrl,
    environmentUrl: url,
    isProduction,
  };
}

/**
 * `queued` while the first of its work waits, `in_progress` from there on, then `success` when all of it was done; `error` where it was
 * denied, cancelled or could not be undone, `failure` where it failed, `inactive` where it was undone or came to nothing.
 * Undefined where nothing of it happened in this run and nothing was said: a retry keeps what the run before deployed.
 */
function standingOf(all: readonly StepView[], tolerant: ReadonlySet<string>, isToldOf: boolean): Standing | undefined {
  const [undoing, steps] = [all.filter((step) => step.isCompensation), all.filter((step) => !step.isCompensation)];
  const work = steps.filter(({ kind }) => kind === 'work');
  if (work.length === 0 || !(isToldOf || all.some(isOfThisRun))) return undefined;
  return notUndone(undoing) ?? trouble(steps, tolerant) ?? undone(undoing) ?? progress(steps, work);
}

/** It waits, runs, or has run. What was carried over from an earlier attempt has no attempts here. */
function isOfThisRun({ status, attempts }: StepView): boolean {
  return attempts > 0 || ['held', 'ready', 'running', 'denied', 'failed'].includes(status);
}

function notUndone(undoing: readonly StepView[]): Standing | undefined {
  const bad = undoing.find(({ status }) => isStepFinal(status) && status !== 'succeeded');
  return bad && { state: 'error', description: `Could not be undone: ${reasonOf(bad)}` };
}

function undone(undoing: readonly StepView[]): Standing | undefined {
  if (undoing.length === 0) return undefined;
  if (undoing.some(({ status }) => !isStepFinal(status))) return { state: 'in_progress', description: 'Being undone' };
  return { state: 'inactive', description: 'Undone, because the run did not succeed' };
}

function trouble(steps: readonly StepView[], tolerant: ReadonlySet<string>): Standing | undefined {
  const denied = steps.find(({ status }) => status === 'denied');
  if (denied) return { state: 'error', description: `Denied: ${reasonOf(denied)}` };
  const failed = steps.find(({ id, status }) => status === 'failed' && !tolerant.has(id));
  if (failed) return { state: 'failure', description: `Failed: ${reasonOf(failed)}` };
  const cancelled = steps.find(({ status }) => status === 'cancelled');
  if (!cancelled) return undefined;
  const hasBegun = steps.some(({ attempts }) => attempts > 0);
  return { state: hasBegun ? 'error' : 'inactive', description: `Cancelled: ${reasonOf(cancelled)}` };
}

function progress(steps: readonly StepView[], work: readonly StepView[]): Standing {
  if (steps.every(({ status }) => isStepFinal(status))) {
    const isDone = work.some(({ status }) => status === 'succeeded');
    return isDone
      ? { state: 'success', description: 'Deployed' }
      : { state: 'inactive', description: `Skipped: ${reasonOf(work[0])}` };
  }
  if (work.some(({ attempts }) => attempts > 0)) return { state: 'in_progress', description: 'Being deployed' };
  const held = steps.find(({ status, hold }) => status === 'held' && hold !== null);
  return { state: 'queued', description: held?.hold?.reason ? `Waits: ${held.hold.reason}` : 'Waits' };
}

function reasonOf(step: StepView | undefined): string {
  return step?.reason || (step === undefined ? 'no reason given' : step.id);
}
