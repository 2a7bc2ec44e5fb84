import { canonicalJson } from '../base/canonical-json.ts';
import { type Digest, digestBytes } from '../base/digest.ts';
import type { Json } from '../base/json.ts';
import { readsOfStep, type StepReads } from '../pipeline/expression-references.ts';
import { isPromoteGate } from '../pipeline/gate-kinds.ts';
import type { Plan, PlanStep } from '../pipeline/plan.ts';
import { hasExpression } from '../pipeline/template.ts';
import type { RunGraph } from './run-state.ts';

/** A plan with what the engine asks of it again and again. Made once per plan. */
export interface CompiledPlan {
  readonly plan: Plan;
  readonly digest: Digest;
  readonly body: string;
  readonly graph: RunGraph;
  /** Direct dependencies, by index. */
  readonly needs: readonly (readonly number[])[];
  readonly sinks: readonly number[];
  /** Runner class of each step. */
  readonly runners: readonly string[];
  readonly facts: readonly StepFacts[];
  readonly indexById: ReadonlyMap<string, number>;
  /** Indexes of the combinations of a base id, in order. */
  readonly indexesByBase: ReadonlyMap<string, readonly number[]>;
}

export interface StepFacts {
  /** Work without a condition: policy can be asked when the run starts, and nothing else stands between it and a worker. */
  readonly isStanding: boolean;
  /** `with` holds expressions: what policy sees of it depends on the run. */
  readonly isTemplated: boolean;
  readonly reads: StepReads;
  /** Indexes of the gates before it that promote to an environment. */
  readonly promotions: readonly number[];
}

const NO_INDEXES: readonly number[] = [];
const COMPILED = new WeakMap<Plan, CompiledPlan>();

export function compilePlan(plan: Plan): CompiledPlan {
  let compiled = COMPILED.get(plan);
  if (compiled === undefined) COMPILED.set(plan, (compiled = compile(plan)));
  return compiled;
}

function compile(plan: Plan): CompiledPlan {
  const body = canonicalJson(plan as unknown as Json);
  const indexById = new Map(plan.steps.map((step, idx) => [step.id, idx]));
  const needs = plan.steps.map((step) => step.needs.map((id) => indexById.get(id) ?? -1));
  const successors: number[][] = plan.steps.map(() => []);
  needs.forEach((before, idx) => before.forEach((need) => successors[need]?.push(idx)));
  const promotions = promotionsBefore(plan, successors);
  return {
    plan,
    digest: digestBytes(body),
    body,
    graph: { steps: plan.steps, successors, compensated: compensated(plan) },
    needs,
    sinks: successors.flatMap((next, idx) => (next.length === 0 ? [idx] : [])),
    runners: plan.steps.map((step) => step.runner),
    facts: plan.steps.map((step, idx) => ({ ...factsOf(step), promotions: promotions[idx] ?? NO_INDEXES })),
    indexById,
    indexesByBase: Map.groupBy(plan.steps.keys(), (idx) => (plan.steps[idx] as PlanStep).base),
  };
}

function compensated(plan: Plan): readonly number[] {
  return plan.steps.flatMap((step, idx) => (step.compensate ? [idx] : [])).reverse();
}

/** By index of a step; sparse, as most plans have no such gate. */
function promotionsBefore(plan: Plan, successors: readonly (readonly number[])[]): readonly number[][] {
  const before: number[][] = [];
  plan.steps.forEach((step, gate) => {
    if (!isPromoteGate(step)) return;
    for (const idx of reachedFrom(successors, gate)) (before[idx] ??= []).push(gate);
  });
  return before;
}

function reachedFrom(successors: readonly (readonly number[])[], from: number): ReadonlySet<number> {
  const found = new Set<number>();
  const open = [...(successors[from] ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(successors[next] ?? []));
  }
  return found;
}

function factsOf(step: PlanStep): Omit<StepFacts, 'promotions'> {
  const reads = readsOfStep(step);
  const isTemplated = holdsExpression(step.with);
  return {
    reads,
    isTemplated,
    isStanding: step.kind === 'work' && step.if === undefined && !(isTemplated && reads.steps.size > 0),
  };
}

function holdsExpression(value: Json): boolean {
  if (typeof value === 'string') return hasExpression(value);
  return typeof value === 'object' && value !== null && Object.values(value).some((part) => holdsExpression(part));
}

/** The steps whose results a step reads. */
export function readIndexes(compiled: CompiledPlan, idx: number): readonly number[] {
  const bases = compiled.facts[idx]?.reads.steps;
  if (!bases || bases.size === 0) return NO_INDEXES;
  const names = bases.has('*') ? [...compiled.indexesByBase.keys()] : [...bases];
  return names.flatMap((base) => compiled.indexesByBase.get(base) ?? []);
}

/** Everything that follows a set of steps, with the steps themselves. */
export function closureOf(compiled: CompiledPlan, from: Iterable<number>): ReadonlySet<number> {
  const own = [...from];
  const found = new Set<number>(own);
  for (const idx of own) for (const next of reachedFrom(compiled.graph.successors, idx)) found.add(next);
  return found;
}

/** What undoes a step, as a step of its own. */
function compensationStep(step: PlanStep): PlanStep {
  const { compensate, cache: _cache, loop: _loop, if: _if, ...rest } = step;
  if (compensate === undefined) throw new RangeError(`step ${step.id} has no compensation`);
  const { uses, code, with: input, env, timeoutMs } = compensate;
  return {
    ...rest,
    id: `${step.id}:compensate`,
    kind: 'work',
    needs: [step.id],
    uses,
    code,
    with: input,
    env: { ...step.env, ...env },
    timeoutMs,
    artifacts: [],
    outputs: {},
    continueOnError: false,
    isIdempotent: true,
  };
}

/** The step behind an index of a run: a step of the plan, or the compensation of one. */
export function stepAt(compiled: CompiledPlan, idx: number): PlanStep {
  const own = compiled.plan.steps[idx];
  if (own) return own;
  const source = compiled.plan.steps[compiled.graph.compensated[idx - compiled.plan.steps.length] ?? -1];
  if (!source) throw new RangeError(`no step ${idx}`);
  return compensationStep(source);
}
