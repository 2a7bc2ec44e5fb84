import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { joinInside, readTask, type Task } from '../../pipeline/task-manifest.ts';
import { defineStep, type StepAnswer, type StepContext } from '../define.ts';
import { schemaProblems } from '../json-schema.ts';
import { readOutputFile } from '../output-file.ts';
import { answerOf } from '../shell/shell.ts';
import { openSourceTree } from '../source-tree.ts';
import { readEvents } from './events.ts';
import { TASK_HEAD } from './task-head.ts';

/** `EX_TEMPFAIL` of sysexits.h: the task asks to be tried again later. */
const EXIT_RETRY_LATER = 75;

/**
 * Runs a task outside of the process: any executable that reads the files named by MAESTRO_CONTEXT and MAESTRO_INPUT and
 * writes those named by MAESTRO_OUTPUT (a JSON object) and MAESTRO_EVENTS (NDJSON).
 */
export const taskStep = defineStep({
  ...TASK_HEAD,
  run: async (context, input) => {
    const folder = taskFolder(context.step.uses);
    const task = pinnedTask(context, folder);
    const problems = task.manifest.input ? schemaProblems(task.manifest.input, input, 'with') : [];
    if (problems.length > 0)
      return { kind: 'failed', errorClass: 'step', errorCode: 'INPUT_INVALID', message: problems.join('; ') };
    const files = await writeFiles(context, input);
    const end = await context.runProgram({
      argv: task.manifest.main,
      env: files,
      cwd: join(context.repositoryRoot, folder),
    });
    await readEvents(files.MAESTRO_EVENTS, context);
    if (end.exitCode === EXIT_RETRY_LATER)
      return { kind: 'retry-later', exitCode: EXIT_RETRY_LATER, message: 'the task asks to be tried again later' };
    const answer = answerOf(end, 'the task');
    return answer.kind === 'succeeded' ? withOutputs(answer, task, files.MAESTRO_OUTPUT) : answer;
  },
});

/** Where the code of a `uses` lies, relative to the repository. Throws TASK_NOT_FOUND. */
function taskFolder(uses: string): string {
  const npm = /^pkg:npm\/(.+)@[^@/]+$/.exec(uses.replace('%40', '@'));
  const folder = npm ? `node_modules/${npm[1] as string}` : joinInside('', uses);
  if (folder === undefined || folder === '' || (uses.startsWith('pkg:') && !npm))
    throw new MaestroError('TASK_NOT_FOUND', `expected ./path or pkg:npm/name@version, got ${uses}`);
  return folder;
}

/** The task as the plan names it: code that changed since then does not run. */
function pinnedTask({ step, repositoryRoot }: StepContext, folder: string): Task {
  if (!step.code.digest)
    throw new MaestroError(
      'TASK_NOT_FOUND',
      `${step.uses} was not there when the plan was made, so its code is not pinned: install it and start the run again`,
    );
  const task = readTask(folder, openSourceTree(repositoryRoot));
  if (task.digest !== step.code.digest)
    throw new MaestroError(
      'TASK_INVALID',
      `the code of ${step.uses} is not what the plan names: expected ${step.code.digest}, got ${task.digest}`,
    );
  return task;
}

interface TaskFiles extends Record<string, string> {
  readonly MAESTRO_CONTEXT: string;
  readonly MAESTRO_INPUT: string;
  readonly MAESTRO_OUTPUT: string;
  readonly MAESTRO_EVENTS: string;
}

async function writeFiles(context: StepContext, input: JsonObject): Promise<TaskFiles> {
  const at = (name: string): string => join(context.temporaryDirectory, name);
  const files = {
    MAESTRO_CONTEXT: at('context.json'),
    MAESTRO_INPUT: at('input.json'),
    MAESTRO_OUTPUT: at('output.json'),
    MAESTRO_EVENTS: at('events.ndjson'),
  };
  const {
    runId,
    step,
    attempt,
    iteration,
    idempotencyKey,
    repositoryRoot,
    workingDirectory,
    temporaryDirectory,
    contexts,
  } = context;
  const facts: JsonObject = {
    runId,
    step: step.id,
    attempt,
    iteration,
    idempotencyKey,
    repositoryRoot,
    workingDirectory,
    temporaryDirectory,
    secrets: step.secrets,
    contexts,
  };
  const texts = {
    [files.MAESTRO_CONTEXT]: JSON.stringify(facts),
    [files.MAESTRO_INPUT]: JSON.stringify(input),
    [files.MAESTRO_OUTPUT]: '',
    [files.MAESTRO_EVENTS]: '',
  };
  await Promise.all(Object.entries(texts).map(([path, text]) => writeFile(path, text, { mode: 0o600 })));
  return files;
}

async function withOutputs(
  answer: StepAnswer & { readonly kind: 'succeeded' },
  { manifest }: Task,
  path: string,
): Promise<StepAnswer> {
  const result = await readOutputFile(path);
  const problems = manifest.output ? schemaProblems(manifest.output, result, 'output') : [];
  if (problems.length === 0) return { ...answer, result };
  return {
    kind: 'failed',
    errorClass: 'step',
    errorCode: 'OUTPUT_INVALID',
    exitCode: 0,
    message: `the task’s outputs do not match its manifest: ${problems.join('; ')}`,
  };
}
