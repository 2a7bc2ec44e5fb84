import { parseDuration } from '../base/duration.ts';
import { messageOf } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { StepDefinition } from './definition.ts';
import { renderTemplate } from './expression.ts';
import type { Findings, LintCode, Span } from './finding.ts';
import { TIMEOUT_MS_MAX, TIMEOUT_MS_MIN } from './limits.ts';
import { type Combination, combinationsOf, labelOf } from './matrix.ts';
import type { Compensation, PlanStep } from './plan.ts';
import type { ResolvedStep, Resolver } from './resolve.ts';
import { DEFAULT_RUNNER, DEFAULT_TIMEOUT, defined } from './settings.ts';
import { child } from './source.ts';
import { hasExpression } from './template.ts';

/** A step with its combinations, before its edges are known. */
export interface ExpandedStep {
  readonly definition: StepDefinition;
  readonly resolved: ResolvedStep;
  readonly steps: readonly Omit<PlanStep, 'needs'>[];
}

/** One plan step for each combination. Texts over `params` and `matrix` that the plan must know are evaluated here. */
export function expandStep(
  definition: StepDefinition,
  params: JsonObject,
  resolver: Resolver,
  findings: Findings,
): ExpandedStep {
  const resolved = resolver.resolve(definition.uses, definition.usesSpan);
  const combinations = combinationsOf(definition.node, params, findings);
  const fixed = new FixedTexts(definition, params, findings);
  const shared = { compensate: compensationOf(definition, resolver, fixed) };
  const make = (combination?: Combination, index = 0) =>
    planStep(definition, resolved, shared, fixed.of(combination), combination, index);
  const steps = combinations ? combinations.map(make) : [make()];
  const ids = new Set(steps.map(({ id }) => id));
  const place = child(definition.node, 'matrix') ?? child(definition.node, 'for-each') ?? definition.idSpan;
  if (ids.size < steps.length)
    findings.error('matrix-duplicate', place, 'two combinations are equal: every one needs its own values');
  return { definition, resolved, steps };
}

/** Evaluates texts of a step that must be known when the plan is made; failures are reported once per text. */
class FixedTexts {
  readonly #definition: StepDefinition;
  readonly #params: JsonObject;
  readonly #findings: Findings;
  readonly #matrix: JsonObject;

  constructor(definition: StepDefinition, params: JsonObject, findings: Findings, matrix: JsonObject = {}) {
    this.#definition = definition;
    this.#params = params;
    this.#findings = findings;
    this.#matrix = matrix;
  }

  of(combination: Combination | undefined): FixedTexts {
    return combination ? new FixedTexts(this.#definition, this.#params, this.#findings, combination) : this;
  }

  text(text: string, key: string): string {
    if (!hasExpression(text)) return text;
    try {
      const made = renderTemplate(text, { params: this.#params, matrix: this.#matrix }, {});
      if (made === '') this.report('template-failed', key, `"${text}" is empty here`);
      return made;
    } catch (error) {
      this.report('template-failed', key, messageOf(error));
      return text;
    }
  }

  /** Milliseconds within the language's bounds. */
  timeout(text: string, key: string): number {
    const written = this.text(text, key);
    const ms = parseDuration(written);
    if (ms !== undefined && ms >= TIMEOUT_MS_MIN && ms <= TIMEOUT_MS_MAX) return ms;
    // What is not a duration at all was reported by the schema, unless a template made it.
    if (ms !== undefined || hasExpression(text)) {
      this.report('duration-range', key, `expected a duration from 100ms to 30d, got "${written}"`);
    }
    return parseDuration(DEFAULT_TIMEOUT) as number;
  }

  report(code: LintCode, key: string, message: string): void {
    const span: Span = child(this.#definition.node, key) ?? this.#definition.idSpan;
    this.#findings.error(code, span, message);
  }
}

function planStep(
  definition: StepDefinition,
  resolved: ResolvedStep,
  shared: { readonly compensate: Compensation | undefined },
  fixed: FixedTexts,
  matrix: Combination | undefined,
  index: number,
): Omit<PlanStep, 'needs'> {
  const { id, cache, capabilities } = { ...definition, capabilities: resolved.capabilities };
  return defined({
    id: matrix ? `${id}[${labelOf(matrix, index)}]` : id,
    base: id,
    kind: resolved.kind,
    uses: definition.uses,
    code: resolved.code,
    if: definition.if,
    matrix,
    with: definition.with,
    env: definition.env,
    workingDirectory: definition.workingDirectory && fixed.text(definition.workingDirectory, 'working-directory'),
    secrets: definition.secrets,
    runner: fixed.text(definition.runner ?? capabilities?.runner ?? DEFAULT_RUNNER, 'runner'),
    timeoutMs: fixed.timeout(definition.timeout, 'timeout'),
    retry: definition.retry,
    cache: cache && { ...cache, paths: cache.paths.map((path) => fixed.text(path, 'cache')) },
    artifacts: definition.artifacts.map((artifact) => ({
      ...artifact,
      name: fixed.text(artifact.name, 'artifacts'),
      path: fixed.text(artifact.path, 'artifacts'),
    })),
    outputs: definition.outputs,
    loop: definition.loop,
    continueOnError: definition.continueOnError,
    tags: definition.tags.map((tag) => fixed.text(tag, 'tags')),
    egress: (definition.egress ?? capabilities?.network ?? []).map((host) => fixed.text(host, 'egress')),
    environment: definition.environment && fixed.text(definition.environment, 'environment'),
    isIdempotent: definition.isIdempotent ?? resolved.isIdempotent,
    budget: definition.budget,
    compensate: shared.compensate,
  });
}

function compensationOf(
  { compensate }: StepDefinition,
  resolver: Resolver,
  fixed: FixedTexts,
): Compensation | undefined {
  if (!compensate) return undefined;
  const { code, kind } = resolver.resolve(compensate.uses, compensate.usesSpan);
  if (kind !== 'work')
    fixed.report('uses-invalid', 'compensate', `"${compensate.uses}" waits for somebody: a compensation must act`);
  return {
    uses: compensate.uses,
    code,
    with: compensate.with,
    env: compensate.env,
    timeoutMs: fixed.timeout(compensate.timeout, 'compensate'),
  };
}
