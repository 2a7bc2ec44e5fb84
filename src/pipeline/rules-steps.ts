import type { PipelineDefinition, StepDefinition } from './definition.ts';
import { CONTEXT_FROM, contextFrom } from './expression-references.ts';
import type { Findings } from './finding.ts';
import type { Place } from './places.ts';
import type { ResolvedStep } from './resolve.ts';
import { ExpressionRules, type Scope, type SitedReferences, Usage } from './rules-expressions.ts';
import { child, itemsOf, type SourceNode, textsIn } from './source.ts';

/** Keys of a step, and the place that an expression in them is in. */
const STEP_PLACES: readonly (readonly [string, Place])[] = [
  ['with', 'input'],
  ['run', 'input'],
  ['env', 'input'],
  ['outputs', 'outputs'],
  ['matrix', 'fan-out'],
  ['for-each', 'fan-out'],
  ['runner', 'fixed'],
  ['working-directory', 'fixed'],
  ['timeout', 'fixed'],
  ['artifacts', 'fixed'],
  ['tags', 'fixed'],
  ['egress', 'fixed'],
  ['environment', 'fixed'],
];

/** Keys whose value is one expression. */
const CONDITIONS: readonly string[] = ['if', 'continue-on-error'];

/** Checks what the expressions of a step name; answers the steps that it reads. */
export function checkStepExpressions(
  step: StepDefinition,
  resolved: ResolvedStep,
  pipeline: { readonly params: ReadonlySet<string>; readonly usage: Usage },
  rules: ExpressionRules,
  findings: Findings,
): Usage {
  const usage = new Usage();
  const { node } = step;
  const scope: Scope = {
    kind: resolved.kind,
    params: pipeline.params,
    matrix: axesOf(node),
    secrets: new Set(step.secrets),
  };
  const own = { ...scope, own: step.id };
  for (const key of CONDITIONS) checkCondition(child(node, key), scope);
  checkCondition(child(child(node, 'loop'), 'until'), own);
  for (const [key, place] of STEP_PLACES) {
    const sited = check(child(node, key), place, scope);
    if (step.isScript && (key === 'run' || key === 'with')) warnOfInjection(sited, findings);
  }
  check(child(child(node, 'cache'), 'key'), 'input', scope);
  check(child(child(node, 'cache'), 'paths'), 'fixed', scope);
  const compensate = child(node, 'compensate');
  check(child(compensate, 'timeout'), 'fixed', scope);
  for (const key of ['with', 'run', 'env']) check(child(compensate, key), 'input', { ...own, kind: 'work' });
  readContextFrom(step, usage);
  if (usage.isAnyParam) pipeline.usage.isAnyParam = true;
  for (const name of usage.params) pipeline.usage.params.add(name);
  return usage;

  function check(value: SourceNode | undefined, place: Place, within: Scope): readonly SitedReferences[] {
    return value
      ? textsIn(value)
          .flatMap((text) => rules.checkText(text, place, within, usage))
          .toArray()
      : [];
  }

  function checkCondition(value: SourceNode | undefined, within: Scope): void {
    if (value?.kind === 'scalar' && typeof value.value === 'string') rules.checkCondition(value, within, usage);
  }
}

/** Checks the expressions outside of steps, which read neither steps nor secrets. */
export function checkPipelineExpressions(root: SourceNode, params: ReadonlySet<string>, rules: ExpressionRules): Usage {
  const usage = new Usage();
  const scope: Scope = { kind: 'work', params, matrix: new Set(), secrets: new Set() };
  const places: readonly (readonly [SourceNode | undefined, Place])[] = [
    [child(root, 'env'), 'pipeline-env'],
    [child(root, 'concurrency'), 'concurrency'],
    [child(root, 'defaults'), 'fixed'],
  ];
  for (const [value, place] of places) {
    if (value)
      for (const text of textsIn(value))
        rules.checkText(text, place, place === 'fixed' ? { ...scope, ...ANY_MATRIX } : scope, usage);
  }
  return usage;
}

const ANY_MATRIX = { matrix: undefined };

/** Parameters that nothing reads are most often mistyped somewhere. */
export function warnOfUnusedParams(pipeline: PipelineDefinition, usage: Usage, findings: Findings): void {
  if (usage.isAnyParam) return;
  for (const { name, span } of pipeline.params) {
    if (!usage.params.has(name)) findings.warning('param-unused', span, `nothing reads the parameter "${name}"`);
  }
}

function readContextFrom(step: StepDefinition, usage: Usage): void {
  const node = child(child(step.node, 'with'), CONTEXT_FROM);
  const nodes = node?.kind === 'list' ? itemsOf(node) : [node];
  for (const id of contextFrom(step.with)) {
    const place = nodes.find((item) => item?.kind === 'scalar' && item.value === id) ?? step.idSpan;
    if (!usage.steps.has(id)) usage.steps.set(id, { id, span: { start: place.start, end: place.end } });
  }
}

/** Keys that `matrix` has in this step; undefined where an expression makes them. */
function axesOf(node: SourceNode): ReadonlySet<string> | undefined {
  if (child(node, 'for-each')) return new Set(['item']);
  const matrix = child(node, 'matrix');
  if (!matrix) return new Set();
  if (matrix.kind !== 'map') return undefined;
  const axes = new Set(matrix.entries.keys().filter((key) => key !== 'include' && key !== 'exclude'));
  const include = child(matrix, 'include');
  if (include && include.kind !== 'list') return undefined;
  for (const entry of itemsOf(include)) if (entry.kind === 'map') for (const key of entry.entries.keys()) axes.add(key);
  return axes;
}

/** Last parts of `github.event` paths that GitHub makes itself, so nobody can write a command into them. */
const SAFE_EVENT_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'number',
  'sha',
  'before',
  'after',
  'node_id',
  'action',
  'draft',
  'merged',
]);

/** Text of strangers inside a script is run as code. Source: GitHub's "Security hardening", untrusted input. */
function warnOfInjection(sited: readonly SitedReferences[], findings: Findings): void {
  for (const { references, span } of sited) {
    const untrusted = references.paths.find(isUntrusted);
    if (!untrusted) continue;
    const path = untrusted.join('.');
    findings.warning(
      'script-injection',
      span,
      `${path} can hold commands written by a stranger: give it to the script through "env"`,
    );
  }
}

function isUntrusted([context, name, ...rest]: readonly string[]): boolean {
  if (context !== 'github') return false;
  if (name === undefined || name === '*' || name === 'head_ref') return true;
  return name === 'event' && !SAFE_EVENT_FIELDS.has(rest.at(-1) ?? '');
}
