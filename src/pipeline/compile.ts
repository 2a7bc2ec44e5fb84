import { type Digest, digestBytes, digestJson } from '../base/digest.ts';
import type { Json, JsonObject } from '../base/json.ts';
import type { StepCatalog } from './catalog.ts';
import { definePipeline } from './define.ts';
import type { PipelineDefinition, StepReference } from './definition.ts';
import { type ExpandedStep, expandStep } from './expand.ts';
import { type Finding, Findings } from './finding.ts';
import { NEEDS_MAX, PLAN_RECEIPT_BYTES_MAX, STEPS_MAX } from './limits.ts';
import { type Graph, isSequence, linkSteps } from './link.ts';
import { resolveParams } from './params.ts';
import { parseSource, withoutByteOrderMark } from './parse.ts';
import type { Plan, PlanStep } from './plan.ts';
import { idBytes, stepBytes } from './receipt-bytes.ts';
import { checkRelease } from './release.ts';
import { Resolver } from './resolve.ts';
import { ExpressionRules } from './rules-expressions.ts';
import { InputRules } from './rules-input.ts';
import { checkPipelineExpressions, checkStepExpressions, warnOfUnusedParams } from './rules-steps.ts';
import { defined } from './settings.ts';
import type { SourceNode } from './source.ts';
import type { SourceTree } from './task-manifest.ts';
import { validateShape } from './validate.ts';

export interface CompileRequest {
  /** Shown in findings and kept in the plan: relative to the repository's root. */
  readonly path: string;
  /** YAML or JSON, decoded as UTF-8. */
  readonly text: string;
  /** Values of parameters; texts are read as the parameter's type. */
  readonly params: JsonObject;
  readonly catalog: StepCatalog;
  readonly files: SourceTree;
}

export interface CompileAnswer {
  /** Absent where a finding is an error. */
  readonly plan?: Plan;
  readonly planDigest?: Digest;
  /** What could be read, also where there are errors. */
  readonly pipeline?: PipelineDefinition;
  /** All of them, by position. */
  readonly findings: readonly Finding[];
}

/** Source, parameters and catalog to the immutable plan. Equal arguments give an equal digest on every machine. */
export function compilePipeline(request: CompileRequest): CompileAnswer {
  return compile(request, request.params);
}

/** Findings alone; parameters have their defaults, or stand-ins of their type where they are required. */
export function lintPipeline(request: Omit<CompileRequest, 'params'>): readonly Finding[] {
  return compile(request, undefined).findings;
}

/** The plan's name: SHA-256 of its canonical JSON. */
export function planDigest(plan: Plan): Digest {
  return digestJson(plan as unknown as Json);
}

function compile(request: Omit<CompileRequest, 'params'>, given: JsonObject | undefined): CompileAnswer {
  const text = withoutByteOrderMark(request.text);
  const findings = new Findings(request.path, text);
  const root = parseSource(text, findings);
  if (!root) return { findings: findings.sorted() };
  validateShape(root, findings);
  if (root.kind !== 'map') return { findings: findings.sorted() };
  const pipeline = definePipeline(root, findings);
  const params = resolveParams(pipeline.params, given, findings);
  const resolver = new Resolver(request.catalog, request.files, findings);
  const expanded = pipeline.steps.map((step) => expandStep(step, params, resolver, findings));
  const reads = checkSteps(root, pipeline, expanded, text, findings);
  const graph = linkSteps(pipeline.steps, reads, findings);
  checkGates(pipeline, expanded, graph, findings);
  checkRelease(
    root,
    pipeline,
    expanded.flatMap((step) => step.steps),
    { catalog: request.catalog, findings },
  );
  const isWithinLimits = checkSizes(expanded, graph, findings);
  if (findings.hasErrors || !isWithinLimits || !given) return { pipeline, findings: findings.sorted() };
  const plan = buildPlan(request, pipeline, params, stepsInOrder(graph, expanded));
  return { plan, planDigest: planDigest(plan), pipeline, findings: findings.sorted() };
}

function checkSteps(
  root: SourceNode,
  pipeline: PipelineDefinition,
  expanded: readonly ExpandedStep[],
  text: string,
  findings: Findings,
): ReadonlyMap<string, readonly StepReference[]> {
  const rules = new ExpressionRules(text, findings);
  const inputs = new InputRules(findings);
  const params = new Set(pipeline.params.map(({ name }) => name));
  const usage = checkPipelineExpressions(root, params, rules);
  const reads = new Map<string, readonly StepReference[]>();
  for (const { definition, resolved } of expanded) {
    inputs.check(definition, resolved);
    const { steps } = checkStepExpressions(definition, resolved, { params, usage }, rules, findings);
    reads.set(definition.id, [...steps.values()]);
  }
  warnOfUnusedParams(pipeline, usage, findings);
  return reads;
}

function checkGates(
  pipeline: PipelineDefinition,
  expanded: readonly ExpandedStep[],
  graph: Graph,
  findings: Findings,
): void {
  if (isSequence(pipeline.steps)) return;
  for (const { definition, resolved } of expanded) {
    if (resolved.kind !== 'gate' || (graph.needs.get(definition.id) ?? []).length > 0) continue;
    findings.error(
      'gate-without-needs',
      definition.idSpan,
      `the gate "${definition.id}" waits for nothing: say in "needs" what it guards`,
    );
  }
}

/** False where a plan would be too large to be made. */
function checkSizes(expanded: readonly ExpandedStep[], graph: Graph, findings: Findings): boolean {
  const sizes = new Map(expanded.map(({ definition, steps }) => [definition.id, steps.length]));
  const start = { start: 0, end: 0 };
  const steps = expanded.reduce((sum, step) => sum + step.steps.length, 0);
  // More steps than that in the file itself were reported by the schema.
  if (steps > STEPS_MAX && expanded.length <= STEPS_MAX)
    findings.error(
      'steps-limit',
      start,
      `expected at most ${STEPS_MAX} steps after matrices are expanded, got ${steps}`,
    );
  let edges = 0;
  for (const [id, needs] of graph.needs)
    for (const need of needs) edges += (sizes.get(id) ?? 0) * (sizes.get(need) ?? 0);
  if (edges > NEEDS_MAX)
    findings.error(
      'needs-limit',
      start,
      `expected at most ${NEEDS_MAX} edges between steps, got ${edges}: join a matrix in one step first`,
    );
  return steps <= STEPS_MAX && edges <= NEEDS_MAX && fitsReceipt(expanded, graph, findings);
}

/** Every run gets a receipt, which names each step with all that it needs: a plan for which it has no room must not run. */
function fitsReceipt(expanded: readonly ExpandedStep[], graph: Graph, findings: Findings): boolean {
  const ids = new Map(
    expanded.map(({ definition, steps }) => [definition.id, sumOf(steps, (step) => idBytes(step.id))] as const),
  );
  const own = sumOf(expanded, ({ steps }) => sumOf(steps, stepBytes));
  const needs = sumOf(expanded, ({ definition, steps }) => {
    return steps.length * sumOf(graph.needs.get(definition.id) ?? [], (need) => ids.get(need) ?? 0);
  });
  if (own + needs <= PLAN_RECEIPT_BYTES_MAX) return true;
  findings.error(
    'receipt-limit',
    { start: 0, end: 0 },
    `expected steps that take at most ${PLAN_RECEIPT_BYTES_MAX} bytes of the run's receipt, got ${own + needs}, of which ${needs} are ids in "needs": join a matrix in one step before others need it, or have fewer steps with shorter ids`,
  );
  return false;
}

function sumOf<T>(values: readonly T[], bytesOf: (value: T) => number): number {
  return values.reduce((sum, value) => sum + bytesOf(value), 0);
}

function stepsInOrder(graph: Graph, expanded: readonly ExpandedStep[]): readonly PlanStep[] {
  const byId = new Map(expanded.map((step) => [step.definition.id, step.steps]));
  return graph.order.flatMap(({ id }) => {
    const needs = (graph.needs.get(id) ?? []).flatMap((need) => (byId.get(need) ?? []).map((step) => step.id));
    return (byId.get(id) ?? []).map((step) => ({ ...step, needs }));
  });
}

function buildPlan(
  request: Omit<CompileRequest, 'params'>,
  pipeline: PipelineDefinition,
  params: JsonObject,
  steps: readonly PlanStep[],
): Plan {
  const { name, version, kind, purpose, authority, licence, autonomy, budget, concurrency, release, env } = pipeline;
  return defined({
    schema: 'maestro.plan/v1' as const,
    name,
    version,
    kind,
    source: { path: request.path, digest: digestBytes(request.text) },
    params,
    purpose,
    authority,
    licence,
    autonomy,
    budget,
    concurrency,
    release,
    env,
    steps,
  });
}
