import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MaestroError, messageOf } from '../../src/base/errors.ts';
import type { ActionFile, ActionRuns } from './action-file.ts';
import type { StepConclusion } from './job.ts';
import { contextsOf, isConditionMet, type JobState, type PostStep, statusFunctions } from './job-state.ts';
import { textOf } from './json-text.ts';
import { runStepProcess, type StepProcessEnd } from './step-process.ts';
import { type StepEnd, type StepRun, timeoutOf } from './step-run.ts';

/** Runs the `main` of an action with its inputs, and remembers its `post`. */
export async function runNodeAction(
  { job, scope, step, name, env, contexts, functions }: StepRun,
  action: ActionFile,
  { main, post, postIf }: Extract<ActionRuns, { using: 'node' }>,
  inputs: Readonly<Record<string, string>>,
): Promise<StepEnd> {
  const actionEnv: Record<string, string> = {
    ...env,
    ...inputVariables(inputs),
    GITHUB_ACTION: textOf(step.id ?? `__${(action.repository ?? 'self').replaceAll(/[^A-Za-z0-9]/g, '_')}`),
    GITHUB_ACTION_REPOSITORY: action.repository ?? '',
    GITHUB_ACTION_REF: action.gitRef ?? '',
  };
  const state = new Map<string, string>();
  // Registered before main runs: an action that is cancelled in main still cleans up.
  if (post !== null) {
    job.posts.push({ name: `Post ${name}`, action, main: post, condition: postIf, scope, env: actionEnv, state });
  }
  const end = await runNode(job, action, main, actionEnv, timeoutOf(step, contexts, functions));
  for (const [key, value] of end.state) state.set(key, value);
  return end;
}

/** Runs what an action wants done after the job's steps. Never throws. */
export async function runPostStep(job: JobState, post: PostStep): Promise<StepConclusion> {
  job.log.beginStep();
  const { scope, action, env, state } = post;
  try {
    const contexts = contextsOf(job, scope, job.env);
    if (!isConditionMet(post.condition, contexts, statusFunctions(job, scope))) return 'skipped';
    const saved = Object.fromEntries([...state].map(([name, value]) => [`STATE_${name}`, value]));
    const end = await runNode(job, action, post.main, { ...env, ...saved }, null);
    if (end.conclusion === 'failure') scope.hasFailed = true;
    return end.conclusion;
  } catch (error) {
    job.log.say(`##[error]${messageOf(error)}`);
    scope.hasFailed = true;
    return 'failure';
  }
}

function runNode(
  job: JobState,
  action: ActionFile,
  script: string,
  env: Readonly<Record<string, string>>,
  timeoutMs: number | null,
): Promise<StepProcessEnd> {
  const path = join(action.folder, script);
  if (!existsSync(path)) throw new MaestroError('PIPELINE_INVALID', `file not found: '${path}'`);
  return runStepProcess(job, { argv: [process.execPath, path], cwd: job.places.workspace, env, timeoutMs });
}

/** GitHub's rule: upper case, blanks become `_`, everything else stays, dashes among it. */
function inputVariables(inputs: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(inputs);
  return Object.fromEntries(
    entries.map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
}
