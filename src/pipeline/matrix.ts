import { messageOf } from '../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { evaluateTemplate } from './expression.ts';
import type { Findings, Span } from './finding.ts';
import { MATRIX_COMBINATIONS_MAX } from './limits.ts';
import { child, jsonOf, type SourceNode } from './source.ts';

/** One value for each axis. `for-each` is a matrix with the one axis `item`. */
export type Combination = JsonObject;

/**
 * The combinations of a step's `matrix` or `for-each`, as in Actions: the product of the axes, without `exclude`, with
 * `include`. Undefined where the step has neither, or where a finding says what is wrong.
 *
 * Expressions may read `params`, because the plan is made before anything runs.
 */
export function combinationsOf(
  step: SourceNode,
  params: JsonObject,
  findings: Findings,
): readonly Combination[] | undefined {
  const matrix = child(step, 'matrix');
  const forEach = child(step, 'for-each');
  if (matrix && forEach) {
    findings.error('matrix-and-for-each', forEach, 'a step has either "matrix" or "for-each"');
    return undefined;
  }
  const node = matrix ?? forEach;
  if (!node) return undefined;
  try {
    const value = evaluateTemplate(jsonOf(node), { params }, {});
    return matrix ? expandMatrix(value, node, findings) : expandList(value, node, findings);
  } catch (error) {
    findings.error('template-failed', node, messageOf(error));
    return undefined;
  }
}

function expandList(value: Json, span: Span, findings: Findings): readonly Combination[] | undefined {
  if (!Array.isArray(value)) return invalid('for-each', 'a list', span, findings);
  return bounded(value.length, span, findings) ? value.map((item: Json) => ({ item })) : undefined;
}

function expandMatrix(value: Json, span: Span, findings: Findings): readonly Combination[] | undefined {
  if (!isJsonObject(value)) return invalid('matrix', 'a map of lists', span, findings);
  const { include = [], exclude = [], ...axes } = value;
  const lists = Object.entries(axes);
  const badAxis = lists.find(([, list]) => !Array.isArray(list));
  if (badAxis) return invalid(`matrix.${badAxis[0]}`, 'a list', span, findings);
  if (!isObjectList(include) || !isObjectList(exclude))
    return invalid('include and exclude', 'lists of maps', span, findings);
  const axisLists = lists as unknown as readonly (readonly [string, readonly Json[]])[];
  const size = axisLists.reduce((product, [, list]) => product * list.length, axisLists.length > 0 ? 1 : 0);
  // Measured before it is built: ten axes of ten values would fill the memory.
  if (size > MATRIX_COMBINATIONS_MAX) return tooMany(size, span, findings);
  const kept = productOf(axisLists).filter((combination) => !exclude.some((rule) => matches(combination, rule)));
  const all = withIncludes(kept, include, new Set(Object.keys(axes)));
  return bounded(all.length, span, findings) ? all : undefined;
}

function productOf(axes: readonly (readonly [string, readonly Json[]])[]): readonly Combination[] {
  if (axes.length === 0) return [];
  return axes.reduce<readonly Combination[]>(
    (made, [name, values]) => made.flatMap((combination) => values.map((value) => ({ ...combination, [name]: value }))),
    [{}],
  );
}

/** An entry extends every combination whose axes it does not contradict; one that extends none is a combination of its own. */
function withIncludes(
  base: readonly Combination[],
  include: readonly JsonObject[],
  axes: ReadonlySet<string>,
): readonly Combination[] {
  const extended = [...base];
  const added: Combination[] = [];
  for (const entry of include) {
    const fixed = Object.fromEntries(Object.entries(entry).filter(([name]) => axes.has(name)));
    let isUsed = false;
    base.forEach((original, index) => {
      if (!matches(original, fixed)) return;
      extended[index] = { ...extended[index], ...entry };
      isUsed = true;
    });
    if (!isUsed) added.push(entry);
  }
  return [...extended, ...added];
}

function matches(combination: Combination, rule: JsonObject): boolean {
  return Object.entries(rule).every(
    ([name, value]) => Object.hasOwn(combination, name) && isSame(combination[name] ?? null, value),
  );
}

function isSame(a: Json, b: Json): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function isObjectList(value: Json): value is readonly JsonObject[] {
  return Array.isArray(value) && value.every(isJsonObject);
}

function bounded(size: number, span: Span, findings: Findings): boolean {
  if (size > MATRIX_COMBINATIONS_MAX) tooMany(size, span, findings);
  if (size === 0)
    findings.error('matrix-empty', span, 'expected at least one combination, got none: the step would vanish');
  return size > 0 && size <= MATRIX_COMBINATIONS_MAX;
}

function tooMany(size: number, span: Span, findings: Findings): undefined {
  findings.error('matrix-limit', span, `expected at most ${MATRIX_COMBINATIONS_MAX} combinations, got ${size}`);
}

function invalid(what: string, expected: string, span: Span, findings: Findings): undefined {
  findings.error('matrix-invalid', span, `${what}: expected ${expected}`);
}

const LABEL_CHARS_MAX = 60;

/** What stands in the brackets of `test[22,linux]`; values that are not short texts are named by their position. */
export function labelOf(combination: Combination, index: number): string {
  const values = Object.values(combination).map((value) => (typeof value === 'object' ? '' : String(value)));
  const label = values.join(',');
  const isReadable =
    values.every((value) => value !== '' && !/[[\],\s]/.test(value)) && label.length <= LABEL_CHARS_MAX;
  return isReadable ? label : `#${index}`;
}
