import type { StepKind } from './plan.ts';

/** Where an expression stands, which decides who evaluates it and so what it can read. */
export type Place = 'condition' | 'input' | 'outputs' | 'fixed' | 'fan-out' | 'pipeline-env' | 'concurrency';

interface PlaceRules {
  readonly contexts: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
  readonly name: string;
}

/** Every context of the language; `inputs` is `params`. */
export const CONTEXTS: ReadonlySet<string> = new Set([
  'github',
  'git',
  'params',
  'steps',
  'matrix',
  'env',
  'runner',
  'run',
  'secrets',
  'result',
]);

/** Functions beyond GitHub's general ones, lower case, with how they are written. */
export const SPECIAL_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['success', 'success'],
  ['failure', 'failure'],
  ['cancelled', 'cancelled'],
  ['always', 'always'],
  ['hashfiles', 'hashFiles'],
]);

const STATUS = ['success', 'failure', 'cancelled', 'always'];
/** What the engine knows when it admits a step; a worker also knows itself, the secrets and the files. */
const ENGINE = ['github', 'git', 'params', 'steps', 'matrix', 'env', 'run'];
const WORKER = [...ENGINE, 'runner', 'secrets'];

function rules(name: string, contexts: readonly string[], functions: readonly string[]): PlaceRules {
  return { name, contexts: new Set(contexts), functions: new Set(functions) };
}

const PLACES: Readonly<Record<Place, PlaceRules>> = {
  condition: rules('a condition', ENGINE, STATUS),
  input: rules('a step', WORKER, ['hashfiles']),
  outputs: rules('outputs', [...WORKER, 'result'], ['hashfiles']),
  fixed: rules('a setting that the plan must know', ['params', 'matrix'], []),
  'fan-out': rules('a fan-out', ['params'], []),
  'pipeline-env': rules("the pipeline's env", ['github', 'git', 'params', 'run'], []),
  concurrency: rules('concurrency', ['github', 'git', 'params', 'run'], []),
};

/** Gates and waits are handled by the engine, which has no files and no secrets. */
const ENGINE_INPUT = rules('a gate or a wait', ENGINE, []);

export function rulesOf(place: Place, kind: StepKind): PlaceRules {
  return kind !== 'work' && (place === 'input' || place === 'outputs') ? ENGINE_INPUT : PLACES[place];
}
