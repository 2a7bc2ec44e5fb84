import { data, Evaluator } from '@actions/expressions';
import { isMaestroError, MaestroError, messageOf } from '../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { isTruthy, JsonDictionary, toJson } from './expression-data.ts';
import { assertResultFits, type ExpressionFunctions, functionTable } from './expression-functions.ts';
import type { ParsedExpression } from './expression-syntax.ts';
import { DEPTH_MAX } from './limits.ts';
import { hasExpression, parseCondition, parseTemplate, type Template } from './template.ts';

export type { ExpressionFunctions } from './expression-functions.ts';

/** Contexts by name. `inputs` is answered by `params`; a name that is not given reads as null. */
export type ExpressionContexts = Readonly<Record<string, Json>>;

/**
 * The value of one expression, written bare or as `${{ … }}`.
 *
 * Values that it reads are data: a text that holds `${{` is never evaluated again.
 * Throws EXPRESSION_FAILED for a text that is not one expression, an unknown function, and a function's own failure.
 */
export function evaluateExpression(text: string, contexts: ExpressionContexts, functions: ExpressionFunctions): Json {
  return toJson(evaluateParsed(singleExpression(text), contexts, functions));
}

/** Whether an expression is true in GitHub's sense. Throws as `evaluateExpression`. */
export function evaluateCondition(text: string, contexts: ExpressionContexts, functions: ExpressionFunctions): boolean {
  return isTruthy(evaluateParsed(singleExpression(text), contexts, functions));
}

/**
 * Evaluates every `${{ }}` in the texts of a JSON value, at any depth; keys are left alone.
 *
 * A text that is exactly one `${{ }}` becomes the expression's value with its type; in others the value's text is put in
 * its place. Throws as `evaluateExpression`.
 */
export function evaluateTemplate(
  value: JsonObject,
  contexts: ExpressionContexts,
  functions: ExpressionFunctions,
): JsonObject;
export function evaluateTemplate(value: Json, contexts: ExpressionContexts, functions: ExpressionFunctions): Json;
export function evaluateTemplate(value: Json, contexts: ExpressionContexts, functions: ExpressionFunctions): Json {
  const evaluate = (part: Json, depth: number): Json => {
    if (typeof part === 'string') return hasExpression(part) ? evaluateText(part, contexts, functions) : part;
    if (typeof part !== 'object' || part === null) return part;
    if (depth >= DEPTH_MAX)
      throw new MaestroError('EXPRESSION_FAILED', `expected at most ${DEPTH_MAX} levels of values`);
    if (!isJsonObject(part)) return part.map((item) => evaluate(item, depth + 1));
    return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, evaluate(item, depth + 1)]));
  };
  return evaluate(value, 0);
}

function evaluateText(text: string, contexts: ExpressionContexts, functions: ExpressionFunctions): Json {
  const { parts } = assertWhole(text, parseTemplate(text));
  const [only] = parts;
  if (parts.length !== 1 || typeof only !== 'object') return renderTemplate(text, contexts, functions);
  return toJson(evaluateParsed(only.parsed, contexts, functions));
}

/** A text with the value's text in place of every `${{ }}`. Throws as `evaluateExpression`. */
export function renderTemplate(text: string, contexts: ExpressionContexts, functions: ExpressionFunctions): string {
  const { parts } = assertWhole(text, parseTemplate(text));
  const texts = parts.map((part) =>
    typeof part === 'string' ? part : evaluateParsed(part.parsed, contexts, functions).coerceString(),
  );
  assertResultFits(texts.reduce((sum, part) => sum + part.length, 0));
  return texts.join('');
}

function singleExpression(text: string): ParsedExpression {
  const { parts } = assertWhole(text, parseCondition(text));
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'object') return only.parsed;
  throw new MaestroError('EXPRESSION_FAILED', `expected one expression, got text beside it: ${brief(text)}`);
}

function assertWhole(text: string, template: Template): Template {
  const [fault] = template.faults;
  if (fault) throw new MaestroError('EXPRESSION_FAILED', `${fault.message} in ${brief(text)}`);
  return template;
}

function evaluateParsed(
  parsed: ParsedExpression,
  contexts: ExpressionContexts,
  functions: ExpressionFunctions,
): data.ExpressionData {
  const table = functionTable(functions);
  const unknown = parsed.functions.find(({ name }) => !table.has(name.toLowerCase()));
  if (unknown)
    throw new MaestroError('EXPRESSION_FAILED', `${unknown.name}() cannot be called here: ${brief(parsed.source)}`);
  try {
    return new Evaluator(parsed.tree, new RootContexts(contexts), table).evaluate();
  } catch (error) {
    if (isMaestroError(error)) throw error;
    throw new MaestroError('EXPRESSION_FAILED', `${messageOf(error)} in ${brief(parsed.source)}`, { cause: error });
  }
}

/** The names at the root: `inputs` is `params`, and a context that is not given here is null instead of a crash. */
class RootContexts extends JsonDictionary {
  override get(key: string): data.ExpressionData {
    return super.get(key) ?? (key.toLowerCase() === 'inputs' ? super.get('params') : undefined) ?? new data.Null();
  }
}

function brief(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
