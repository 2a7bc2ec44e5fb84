import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Digest } from '../base/digest.ts';
import { MaestroError, messageOf } from '../base/errors.ts';
import type { Outcome } from '../protocol/outcome.ts';
import { isInside, makeFolderInside } from '../steps/checkout-path.ts';
import type { EarlierArtifacts, StepContext, WorkStep } from '../steps/define.ts';
import { clean } from './annotations/collector.ts';
import type { Attempt, ExecuteStep } from './attempt.ts';
import { type AttemptScope, type ExecuteTools, openScope } from './attempt-scope.ts';
import { StepEgress } from './egress/step-egress.ts';
import { type EvaluatedStep, evaluateStep } from './evaluated-step.ts';
import { outcomeOfError } from './failure.ts';
import { PROCESS_ISOLATION } from './isolation.ts';
import { restoreFiles } from './restore-files.ts';
import { makeTemporaryFolder, removeFolder } from './sandbox.ts';
import { type BodyEnd, runBody, type StepBody } from './step-body.ts';
import { keepFailure, keepSuccess } from './step-result.ts';

const MESSAGE_CHARS_MAX = 2000;
/** Runs every `./path` and `pkg:`. */
const TASK_STEP = 'task';

/** An executor for `runWorker` that runs every step with the same tools. */
export function stepExecutor(tools: ExecuteTools): ExecuteStep {
  return (attempt, workerId) => executeStep(attempt, workerId, tools);
}

/**
 * Runs one attempt from its lease to its outcome.
 *
 * Templates are evaluated once, before the step. Never rejects for anything that a step or a pipeline does: that is a
 * failure as a value. The attempt's temporary folder and its programs are gone when it resolves.
 */
export async function executeStep(attempt: Attempt, workerId: number, tools: ExecuteTools): Promise<Outcome> {
  let temporaryDirectory: string | undefined;
  try {
    temporaryDirectory = await makeTemporaryFolder(tools.temporaryRoot);
    const scope = await openScope(attempt, workerId, tools, temporaryDirectory);
    return await runInScope(scope);
  } catch (error) {
    return { ...outcomeOfError(error), isolation: (tools.isolation ?? PROCESS_ISOLATION).kind };
  } finally {
    // What cannot be removed (a file of another user) stays in the temporary root, for whoever may.
    if (temporaryDirectory) await removeFolder(temporaryDirectory).catch(() => {});
  }
}

async function runInScope(scope: AttemptScope): Promise<Outcome> {
  const { masker } = scope;
  let evaluated: EvaluatedStep | undefined;
  let outcome: Outcome;
  try {
    const definition = definitionOf(scope);
    evaluated = await evaluateStep(scope);
    outcome = (await resultFromCache(scope, evaluated)) ?? (await resultOfBody(scope, evaluated, definition));
  } catch (error) {
    // What breaks because the attempt was stopped is no failure of its own.
    outcome = scope.attempt.stopped ? { kind: 'cancelled' } : outcomeOfError(error);
  }
  const log = await scope.log.end();
  return {
    ...outcome,
    ...(outcome.message === undefined
      ? {}
      : { message: clean(masker.secrets.maskText(outcome.message), MESSAGE_CHARS_MAX) }),
    ...(evaluated ? { inputDigest: evaluated.inputDigest } : {}),
    log,
    annotations: scope.annotations.list(),
    isolation: (scope.tools.isolation ?? PROCESS_ISOLATION).kind,
  };
}

function definitionOf({ lease, tools }: AttemptScope): WorkStep {
  const { uses } = lease.step;
  const isTask = uses.startsWith('.') || uses.startsWith('pkg:');
  const definition = tools.steps.get(isTask ? TASK_STEP : (uses.split('@')[0] as string));
  if (definition?.kind === 'work') return definition;
  throw new MaestroError('STEP_NOT_AVAILABLE', `this worker has no step ${uses}`);
}

async function resultOfBody(scope: AttemptScope, evaluated: EvaluatedStep, definition: WorkStep): Promise<Outcome> {
  const end = await endOfBody(scope, evaluated, definition);
  if (end.kind === 'succeeded') return keepSuccess(scope, evaluated, end);
  return end.kind === 'failed' ? keepFailure(scope, evaluated, end) : end;
}

async function endOfBody(scope: AttemptScope, evaluated: EvaluatedStep, definition: WorkStep): Promise<BodyEnd> {
  const { attempt, annotations, log, tools } = scope;
  const egress = new StepEgress(scope);
  const body: StepBody = {
    definition,
    attempt,
    input: evaluated.input,
    context: contextOf(scope, evaluated),
    onOutput: (bytes) => log.write(bytes),
    onLeftovers: (count) =>
      annotations.addOwn({
        level: 'warning',
        message: `the step left ${count} processes running in the background: they were killed`,
      }),
    fault: scope.fault,
    isolation: tools.isolation ?? PROCESS_ISOLATION,
    egressVariables: () => egress.variables(),
    ...(tools.killGraceMs === undefined ? {} : { killGraceMs: tools.killGraceMs }),
  };
  try {
    return await runBody(body);
  } finally {
    await egress.close();
  }
}

function contextOf(scope: AttemptScope, evaluated: EvaluatedStep): Omit<StepContext, 'signal' | 'runProgram'> {
  const { lease, log, annotations } = scope;
  return {
    step: lease.step,
    runId: lease.runId,
    attempt: lease.attempt,
    iteration: lease.iteration,
    idempotencyKey: lease.idempotencyKey,
    contexts: evaluated.contexts,
    secrets: scope.secrets,
    env: evaluated.env,
    repositoryRoot: scope.tools.repositoryRoot,
    workingDirectory: scope.workingDirectory,
    temporaryDirectory: scope.temporaryDirectory,
    log: (line) => void log.write(Buffer.from(`${line}\n`)),
    annotate: annotations.add,
    artifacts: earlierArtifacts(scope),
    storeFile: (path) => storeFile(scope, path),
    attest: (request) => scope.tools.client.attest(scope.workerId, scope.held, request),
  };
}

function earlierArtifacts({ tools, workerId, held, blobs, workingDirectory }: AttemptScope): EarlierArtifacts {
  return {
    find: (wanted) => tools.client.findArtifacts(workerId, held, wanted),
    restore: async (files, folder) => {
      const root = await makeFolderInside(workingDirectory, folder);
      if (root === undefined)
        throw new MaestroError('INPUT_INVALID', `expected a folder in the working directory, got ${folder}`);
      // What an artifact is called says nothing of what kind of file it is.
      await restoreFiles(
        files.map(({ path, digest }) => ({ name: 'file', path, digest })),
        root,
        blobs,
      );
    },
  };
}

async function storeFile(
  { blobs, workingDirectory }: AttemptScope,
  path: string,
): Promise<{ readonly digest: Digest; readonly sizeBytes: number }> {
  const real = await realpath(resolve(workingDirectory, path)).catch(() => undefined);
  if (real === undefined || !isInside(workingDirectory, real) || !(await stat(real)).isFile())
    throw new MaestroError('INPUT_INVALID', `expected a file in the working directory, got ${path}`);
  return blobs.put(() => createReadStream(real), path);
}

/** A result that an earlier run kept under the same key; undefined where there is none or it cannot be put back. */
async function resultFromCache(scope: AttemptScope, { cacheKey }: EvaluatedStep): Promise<Outcome | undefined> {
  const { tools, workerId, held, blobs, workingDirectory, annotations, attempt } = scope;
  if (!cacheKey || attempt.stopped) return undefined;
  try {
    const entry = await tools.client.cacheGet(workerId, held, cacheKey);
    if (!entry) return undefined;
    await restoreFiles(entry.files, workingDirectory, blobs);
    return { kind: 'succeeded', outputs: entry.outputs, artifacts: entry.artifacts, cacheKey, isCacheHit: true };
  } catch (error) {
    annotations.addOwn({ level: 'warning', message: `the cached result was not used: ${messageOf(error)}` });
    return undefined;
  }
}
