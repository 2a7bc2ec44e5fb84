import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { MaestroError, messageOf } from '../../src/base/errors.ts';
import type { Json, JsonObject } from '../../src/base/json.ts';
import { type ExpressionContexts, type ExpressionFunctions, evaluateTemplate } from '../../src/pipeline/expression.ts';
import { type ActionFile, type ActionRuns, findAction } from './action-file.ts';
import type { StepConclusion } from './job.ts';
import {
  contextsOf,
  isConditionMet,
  type JobState,
  jobStatus,
  type PostStep,
  type StepScope,
  statusFunctions,
} from './job-state.ts';
import { objectIn, textOf, textsOf } from './json-text.ts';
import { runStepProcess, type StepProcessEnd } from './step-process.ts';

/** Composite actions within composite actions; GitHub stops at the same depth. */
const COMPOSITE_DEPTH_MAX = 10;

interface StepRun {
  readonly job: JobState;
  readonly scope: StepScope;
  readonly step: JsonObject;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly contexts: ExpressionContexts;
  readonly functions: ExpressionFunctions;
  readonly depth: number;
}

interface StepEnd {
  readonly conclusion: StepConclusion;
  readonly outputs: ReadonlyMap<string, string>;
}

const SKIPPED: StepEnd = { conclusion: 'skipped', outputs: new Map() };
const FAILED: StepEnd = { conclusion: 'failure', outputs: new Map() };

/** Runs one step if its condition is met, records it in its scope, and gives its conclusion. Never throws. */
export async function runStep(
  job: JobState,
  scope: StepScope,
  step: JsonObject,
  name: string,
  depth = 0,
): Promise<StepConclusion> {
  job.log.beginStep();
  const { conclusion: outcome, outputs } = await endOfStep(job, scope, step, name, depth);
  const isForgiven = outcome === 'failure' && isTrue(job, scope, step['continue-on-error']);
  const conclusion = isForgiven ? 'success' : outcome;
  if (conclusion === 'failure') scope.hasFailed = true;
  if (typeof step.id === 'string') {
    scope.steps[step.id] = { outputs: Object.fromEntries(outputs), outcome, conclusion };
  }
  return conclusion;
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

/** What a step is called in lists and logs. */
export function stepName(job: JobState, scope: StepScope, step: JsonObject): string {
  const text =
    step.name ??
    `Run ${
      textOf(step.run ?? step.uses)
        .trim()
        .split('\n')[0] ?? ''
    }`;
  try {
    return job.log.mask(textOf(evaluateTemplate(text, contextsOf(job, scope, job.env), statusFunctions(job, scope))));
  } catch {
    return textOf(text);
  }
}

async function endOfStep(
  job: JobState,
  scope: StepScope,
  step: JsonObject,
  name: string,
  depth: number,
): Promise<StepEnd> {
  try {
    const functions = statusFunctions(job, scope);
    const before = contextsOf(job, scope, job.env);
    const env = textsOf(evaluateTemplate(objectIn(step.env), before, functions));
    const contexts = contextsOf(job, scope, { ...job.env, ...env });
    if (!isConditionMet(step.if, contexts, functions)) return SKIPPED;
    const run: StepRun = { job, scope, step, name, env, contexts, functions, depth };
    return step.uses === undefined ? await runScript(run) : await runAction(run);
  } catch (error) {
    job.log.say(`##[error]${messageOf(error)}`);
    return FAILED;
  }
}

async function runScript({ job, scope, step, env, contexts, functions }: StepRun): Promise<StepEnd> {
  const {
    run,
    shell,
    'working-directory': folder = null,
  } = evaluateTemplate(
    { ...scope.defaults, ...step, env: null, if: null, 'continue-on-error': null },
    contexts,
    functions,
  );
  const script = textOf(run);
  const path = join(job.places.temporary, `${randomUUID()}.sh`);
  writeFileSync(path, script);
  sayGroup(job, `Run ${script.trim().split('\n')[0] ?? ''}`, script.trimEnd().split('\n'));
  const { workspace } = job.places;
  const cwd =
    folder === null ? workspace : isAbsolute(textOf(folder)) ? textOf(folder) : join(workspace, textOf(folder));
  if (!existsSync(cwd)) throw new MaestroError('PIPELINE_INVALID', `no such working directory: ${cwd}`);
  const place = scope.action ? { GITHUB_ACTION_PATH: scope.action.folder } : {};
  return runStepProcess(job, {
    argv: shellCommand(typeof shell === 'string' ? shell : null, path),
    cwd,
    env: { ...env, ...place, GITHUB_ACTION: textOf(step.id ?? '__run') },
    timeoutMs: timeoutOf(step, contexts, functions),
  });
}

function shellCommand(shell: string | null, path: string): readonly string[] {
  if (shell === null) return ['bash', '-e', path];
  if (shell === 'bash') return ['bash', '--noprofile', '--norc', '-e', '-o', 'pipefail', path];
  if (shell === 'sh') return ['sh', '-e', path];
  if (shell === 'python') return ['python3', path];
  if (shell.includes('{0}')) return shell.split(' ').map((word) => word.replace('{0}', path));
  throw new MaestroError('PIPELINE_INVALID', `expected shell bash, sh, python or a command with {0}, got '${shell}'`);
}

async function runAction(run: StepRun): Promise<StepEnd> {
  const { job, step, contexts, functions } = run;
  const action = findAction(textOf(step.uses), job.places.workspace, job.request.actionSources);
  const given = evaluateTemplate(objectIn(step.with), contexts, functions);
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(action.inputs, name));
  if (unknown.length > 0) {
    const valid = Object.keys(action.inputs).map((name) => `'${name}'`);
    const listed = unknown.map((name) => `'${name}'`).join(', ');
    job.log.say(`##[warning]Unexpected input(s) ${listed}, valid inputs are [${valid.join(', ')}]`);
  }
  const inputs = { ...defaultInputs(action, contexts, functions), ...textsOf(given) };
  sayGroup(job, `Run ${textOf(step.uses)}`, [
    'with:',
    ...Object.entries(inputs).map(([name, value]) => `  ${name}: ${value}`),
  ]);
  const { runs } = action;
  return runs.using === 'composite'
    ? runComposite(run, action, runs.steps, inputs)
    : runNodeAction(run, action, runs, inputs);
}

function defaultInputs(
  action: ActionFile,
  contexts: ExpressionContexts,
  functions: ExpressionFunctions,
): Record<string, string> {
  const entries = Object.entries(action.inputs).map(([name, definition]): [string, Json] => [
    name,
    evaluateTemplate(objectIn(definition).default ?? '', contexts, functions),
  ]);
  return textsOf(Object.fromEntries(entries));
}

async function runNodeAction(
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

async function runComposite(
  { job, contexts, functions, depth }: StepRun,
  action: ActionFile,
  steps: readonly JsonObject[],
  inputs: Readonly<Record<string, string>>,
): Promise<StepEnd> {
  if (depth >= COMPOSITE_DEPTH_MAX) {
    throw new MaestroError('PIPELINE_INVALID', `expected at most ${COMPOSITE_DEPTH_MAX} levels of composite actions`);
  }
  const scope: StepScope = { inputs, defaults: {}, action, steps: {}, hasFailed: false };
  for (const step of steps) await runStep(job, scope, step, stepName(job, scope, step), depth + 1);
  const inner = { ...contexts, inputs, steps: scope.steps };
  const outputs = Object.entries(action.outputs).map(([name, definition]): [string, string] => [
    name,
    textOf(evaluateTemplate(objectIn(definition).value ?? '', inner, functions)),
  ]);
  return { conclusion: jobStatus(job, scope), outputs: new Map(outputs) };
}

/** GitHub's rule: upper case, blanks become `_`, everything else stays, dashes among it. */
function inputVariables(inputs: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(inputs);
  return Object.fromEntries(
    entries.map(([name, value]) => [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, value]),
  );
}

function timeoutOf(step: JsonObject, contexts: ExpressionContexts, functions: ExpressionFunctions): number | null {
  const minutes = Number(evaluateTemplate(step['timeout-minutes'] ?? 0, contexts, functions));
  return minutes > 0 ? minutes * 60_000 : null;
}

function isTrue(job: JobState, scope: StepScope, value: Json | undefined): boolean {
  if (value === undefined) return false;
  return evaluateTemplate(value, contextsOf(job, scope, job.env), statusFunctions(job, scope)) === true;
}

function sayGroup(job: JobState, title: string, lines: readonly string[]): void {
  job.log.say(`##[group]${title}`);
  for (const line of lines) job.log.say(line);
  job.log.say('##[endgroup]');
}
