import { data, type Expr } from '@actions/expressions';
import {
  Binary,
  ContextAccess,
  FunctionCall,
  Grouping,
  IndexAccess,
  Literal,
  Logical,
  Unary,
} from '@actions/expressions/ast';
import { MaestroError } from '../base/errors.ts';
import { isJsonObject, type Json } from '../base/json.ts';
import type { ParsedExpression } from './expression-syntax.ts';
import type { PlanStep } from './plan.ts';
import { hasExpression, parseCondition, parseTemplate, type Template } from './template.ts';

/** What an expression reads and calls, known without evaluating it. */
export interface References {
  /** Lower case; `inputs` is given as `params`. */
  readonly contexts: ReadonlySet<string>;
  /** `['steps', 'plan', 'outputs', 'x']`; `*` stands for a computed or filtered part. */
  readonly paths: readonly (readonly string[])[];
  /** Lower case. */
  readonly functions: ReadonlySet<string>;
}

/** What the templates of a step read. */
export interface StepReads {
  /** Lower case; `inputs` is given as `params`. */
  readonly contexts: ReadonlySet<string>;
  /** Base ids of the steps whose outputs or result are read, by expressions and by `context_from`. */
  readonly steps: ReadonlySet<string>;
  /** Lower case. */
  readonly functions: ReadonlySet<string>;
}

/** Key of `with` that names steps whose outputs a step takes whole. */
export const CONTEXT_FROM = 'context_from';

const known = new WeakMap<ParsedExpression, References>();

/** References of one expression, bare or as `${{ }}`, or of all expressions in a text. Throws EXPRESSION_FAILED on bad syntax. */
export function referencesOf(expression: string): References {
  const { parts, faults } = parseCondition(expression);
  const [fault] = faults;
  if (fault) throw new MaestroError('EXPRESSION_FAILED', `${fault.message} in ${expression.slice(0, 80)}`);
  return mergeReferences(referencesOfTemplate({ parts, faults }));
}

export function referencesOfParsed(parsed: ParsedExpression): References {
  let found = known.get(parsed);
  if (!found) {
    const paths: string[][] = [];
    collectPaths(parsed.tree, paths);
    found = {
      contexts: new Set(paths.map(([name]) => name ?? '')),
      paths,
      functions: new Set(parsed.functions.map(({ name }) => name.toLowerCase())),
    };
    known.set(parsed, found);
  }
  return found;
}

/** What decides early whether policy can see a step's inputs: with no `steps` in it, they are known before the run. */
export function readsOfStep(step: PlanStep): StepReads {
  const conditions = [step.if, step.loop?.until, step.continueOnError].filter((text) => typeof text === 'string');
  const values: readonly (Json | undefined)[] = [
    step.with,
    step.env,
    step.outputs,
    step.cache?.key,
    step.compensate?.with,
    step.compensate?.env,
  ];
  const texts = values.flatMap((value) => (value === undefined ? [] : [...textsOf(value)])).filter(hasExpression);
  const templates = [...conditions.map(parseCondition), ...texts.map(parseTemplate)];
  const { contexts, paths, functions } = mergeReferences(templates.flatMap(referencesOfTemplate));
  return { contexts, functions, steps: new Set([...stepsOfPaths(paths), ...contextFrom(step.with)]) };
}

function referencesOfTemplate({ parts }: Template): readonly References[] {
  return parts.flatMap((part) => (typeof part === 'string' ? [] : [referencesOfParsed(part.parsed)]));
}

/** Ids in `with.context_from`: one text or a list of them. */
export function contextFrom(input: Json): readonly string[] {
  if (!isJsonObject(input)) return [];
  const value = input[CONTEXT_FROM];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : [];
}

function stepsOfPaths(paths: References['paths']): readonly string[] {
  return paths.flatMap(([context, id]) => (context === 'steps' && id !== undefined ? [id] : []));
}

function mergeReferences(all: readonly References[]): References {
  return {
    contexts: new Set(all.flatMap(({ contexts }) => [...contexts])),
    paths: all.flatMap(({ paths }) => paths),
    functions: new Set(all.flatMap(({ functions }) => [...functions])),
  };
}

function* textsOf(value: Json): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) yield* textsOf(part);
}

function collectPaths(tree: Expr, paths: string[][]): void {
  if (tree instanceof ContextAccess) paths.push([contextName(tree.name.lexeme)]);
  else if (tree instanceof IndexAccess) collectAccess(tree, paths);
  else for (const part of partsOf(tree)) collectPaths(part, paths);
}

function partsOf(tree: Expr): readonly Expr[] {
  if (tree instanceof Binary) return [tree.left, tree.right];
  if (tree instanceof Logical || tree instanceof FunctionCall) return tree.args;
  if (tree instanceof Unary) return [tree.expr];
  if (tree instanceof Grouping) return [tree.group];
  return [];
}

function collectAccess(access: IndexAccess, paths: string[][]): void {
  const segments: string[] = [];
  let base: Expr = access;
  while (base instanceof IndexAccess) {
    const { index } = base;
    if (index instanceof Literal && index.literal instanceof data.StringData) segments.unshift(index.literal.value);
    else {
      segments.unshift('*');
      collectPaths(index, paths);
    }
    base = base.expr;
  }
  while (base instanceof Grouping) base = base.group;
  if (base instanceof ContextAccess) paths.push([contextName(base.name.lexeme), ...segments]);
  else collectPaths(base, paths);
}

function contextName(written: string): string {
  const name = written.toLowerCase();
  return name === 'inputs' ? 'params' : name;
}
