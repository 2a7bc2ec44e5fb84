import { formatDuration } from '../base/duration.ts';
import { MaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { ProgramRequest, StepAnswer, StepContext, WorkStep } from '../steps/define.ts';
import { schemaProblems } from '../steps/json-schema.ts';
import type { Attempt } from './attempt.ts';
import { Deadline } from './deadline.ts';
import type { StepIsolation } from './isolation.ts';
import { KILL_GRACE_MS, type ProcessEnd, type ProcessRequest, runProcess } from './process.ts';

/** Beyond the grace of its programs, a step that was told to stop gets this long to answer. */
const ANSWER_GRACE_MS = 5000;

/** How the body ended: with the step's own answer, or because it was stopped. */
export type BodyEnd = StepAnswer | { readonly kind: 'cancelled' };

export interface StepBody {
  readonly definition: WorkStep;
  readonly attempt: Attempt;
  readonly input: JsonObject;
  readonly context: Omit<StepContext, 'signal' | 'runProgram'>;
  readonly onOutput: ProcessRequest['onOutput'];
  readonly onLeftovers: (count: number) => void;
  /** Fires where the step must end for a reason of the worker's own, which the error tells. */
  readonly fault: AbortSignal;
  readonly isolation: StepIsolation;
  /** What holds its programs to the hosts that they may reach; stands above all of their environment. */
  readonly egressVariables: () => Promise<Readonly<Record<string, string>>>;
  readonly killGraceMs?: number;
}

/**
 * Runs a step's own code until it answers, is cancelled, or is out of time.
 *
 * Stopping is a request; a step that does not answer it in time is left behind, because the worker must go on.
 */
export async function runBody(body: StepBody): Promise<BodyEnd> {
  const { definition, attempt, input } = body;
  const problems = schemaProblems(definition.input, input, 'with', true);
  if (problems.length > 0)
    return { kind: 'failed', errorClass: 'step', errorCode: 'INPUT_INVALID', message: problems.join('; ') };
  const stopper = new AbortController();
  const stop = (): void => stopper.abort();
  let isOutOfTime = false;
  const { timeoutMs } = body.context.step;
  const deadline = new Deadline(timeoutMs, () => {
    isOutOfTime = true;
    stop();
  });
  for (const signal of [attempt.signal, body.fault]) {
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }
  try {
    const answer = await answerOrGiveUp(body, stopper.signal);
    if (body.fault.aborted) throw body.fault.reason;
    if (attempt.stopped) return { kind: 'cancelled' };
    // A step that ended well just before its time was over has ended well.
    if (isOutOfTime && answer?.kind !== 'succeeded') return timedOut(timeoutMs);
    return answer ?? { kind: 'cancelled' };
  } finally {
    deadline.clear();
    for (const signal of [attempt.signal, body.fault]) signal.removeEventListener('abort', stop);
  }
}

/** Undefined where the step did not answer after it was stopped. */
async function answerOrGiveUp(body: StepBody, signal: AbortSignal): Promise<StepAnswer | undefined> {
  if (signal.aborted) return undefined;
  let timer: NodeJS.Timeout | undefined;
  let onStop = (): void => {};
  const givenUp = new Promise<undefined>((resolve) => {
    onStop = () =>
      (timer = setTimeout(() => resolve(undefined), (body.killGraceMs ?? KILL_GRACE_MS) + ANSWER_GRACE_MS));
    signal.addEventListener('abort', onStop, { once: true });
  });
  const answer = body.definition.run(
    { ...body.context, signal, runProgram: (request) => runProgram(body, request, signal) },
    body.input,
  );
  try {
    return await Promise.race([answer, givenUp]);
  } catch (error) {
    // What breaks because it was stopped is not a failure of its own.
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onStop);
  }
}

async function runProgram(body: StepBody, request: ProgramRequest, signal: AbortSignal): Promise<ProcessEnd> {
  const { context, onOutput, isolation, killGraceMs } = body;
  const [program] = request.argv;
  if (program === undefined) throw new MaestroError('STEP_NOT_STARTED', 'expected a program to run, got nothing');
  const end = await runProcess({
    argv: request.argv,
    cwd: request.cwd ?? context.workingDirectory,
    env: { ...context.env, ...request.env, ...(await body.egressVariables()) },
    signal,
    onOutput,
    isolation,
    ...(killGraceMs === undefined ? {} : { graceMs: killGraceMs }),
  });
  if (end.leftoverCount > 0) body.onLeftovers(end.leftoverCount);
  return end;
}

function timedOut(timeoutMs: number): StepAnswer {
  return {
    kind: 'failed',
    errorClass: 'timeout',
    errorCode: 'STEP_TIMED_OUT',
    message: `the step did not end within its timeout of ${formatDuration(timeoutMs)}`,
  };
}
