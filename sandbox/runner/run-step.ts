import { MaestroError, messageOf } from '../../src/base/errors.ts';
import type { Json, JsonObject } from '../../src/base/json.ts';
import { type ExpressionContexts, type ExpressionFunctions, evaluateTemplate } from '../../src/pipeline/expression.ts';
import { type ActionFile, findAction } from './action-file.ts';
import type { StepConclusion } from './job.ts';
import { contextsOf, isConditionMet, type JobState, jobStatus, type StepScope, statusFunctions } from './job-state.ts';
import { objectIn, textOf, textsOf } from './json-text.ts';
import { runNodeAction } from './run-node-action.ts';
import { runScript } from './run-script.ts';
import { type StepEnd, type StepRun, sayGroup } from './step-run.ts';

/** Composite actions within composite actions; GitHub stops at the same depth. */
const COMPOSITE_DEPTH_MAX = 10;

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

function isTrue(job: JobState, scope: StepScope, value: Json | undefined): boolean {
  if (value === undefined) return false;
  return evaluateTemplate(value, contextsOf(job, scope, job.env), statusFunctions(job, scope)) === true;
}
