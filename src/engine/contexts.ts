import type { Json, JsonObject } from '../base/json.ts';
import type { RunTrigger } from '../protocol/client.ts';
import type { StepContexts } from '../protocol/lease.ts';
import type { StepState } from '../store/codes.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import { type OutcomeNote, readNote } from './outcome-note.ts';

/** What an expression may read of a step that is final. */
export interface FinishedStep {
  readonly status: StepState;
  readonly outcome: JsonObject;
}

/** The part of the contexts that all steps of a run share. */
export type RunContexts = Omit<StepContexts, 'steps' | 'matrix'>;

export function runContexts(
  compiled: CompiledPlan,
  run: { readonly key: string; readonly attempt: number; readonly trigger: RunTrigger },
): RunContexts {
  const { trigger } = run;
  return {
    github: trigger.github,
    git: { sha: trigger.source.gitCommit, ref: trigger.source.ref },
    params: compiled.plan.params,
    run: {
      id: run.key,
      attempt: run.attempt,
      pipeline: compiled.plan.name,
      trigger: trigger.type,
      actor: trigger.actor.id,
      source: trigger.source.uri,
      isFork: trigger.isFork,
    },
    env: compiled.plan.env,
  };
}

const NOTHING: JsonObject = {};

/** Results of steps as others read them, by base id: made once for all who read them at the same moment. */
export type KnownResults = Map<string, JsonObject>;

/** Contexts of one step; `finished` answers what is known of its ancestors. */
export function stepContexts(
  shared: RunContexts,
  compiled: CompiledPlan,
  idx: number,
  finished: (idx: number) => FinishedStep | undefined,
  known: KnownResults = new Map(),
): StepContexts {
  const reads = compiled.facts[idx]?.reads;
  const steps = reads && reads.steps.size > 0 ? stepsContext(compiled, reads.steps, finished, known) : NOTHING;
  return { ...shared, steps, matrix: compiled.plan.steps[idx]?.matrix ?? NOTHING };
}

/** `steps.<base>`: results of the combinations of a matrix are merged in order, the worst result counts. */
function stepsContext(
  compiled: CompiledPlan,
  bases: ReadonlySet<string>,
  finished: (idx: number) => FinishedStep | undefined,
  known: KnownResults,
): JsonObject {
  const wanted = bases.has('*') ? [...compiled.indexesByBase.keys()] : [...bases];
  const context: Record<string, Json> = {};
  for (const base of wanted) {
    let result = known.get(base);
    if (result === undefined) {
      const found = (compiled.indexesByBase.get(base) ?? []).flatMap((idx) => finished(idx) ?? []);
      if (found.length === 0) continue;
      known.set(base, (result = resultOf(found)));
    }
    context[base] = result;
  }
  return context;
}

function resultOf(found: readonly FinishedStep[]): JsonObject {
  const notes = found.map((step) => readNote(step.outcome));
  const conclusion = worst(found.map((step, i) => resultName(step, notes[i] ?? {})));
  return {
    outputs: merged(notes.map((note) => note.outputs ?? {})),
    outcome: worst(found.map((step) => resultName(step, {}))),
    conclusion,
    result: conclusion,
  };
}

function merged(outputs: readonly JsonObject[]): JsonObject {
  const [only] = outputs;
  return only && outputs.length === 1 ? only : (Object.assign({}, ...outputs) as JsonObject);
}

const RESULTS = ['failure', 'cancelled', 'skipped', 'success'] as const;

/** GitHub's words: `conclusion` is the result after `continue-on-error`, `outcome` the one before. */
function resultName(step: FinishedStep, note: OutcomeNote): (typeof RESULTS)[number] {
  if (step.status === 'succeeded' || note.isAbsorbed === true) return 'success';
  if (step.status === 'skipped') return 'skipped';
  return step.status === 'cancelled' ? 'cancelled' : 'failure';
}

function worst(results: readonly (typeof RESULTS)[number][]): string {
  return RESULTS.find((result) => results.includes(result)) ?? 'success';
}
