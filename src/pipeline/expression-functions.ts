import { data } from '@actions/expressions';
import { MaestroError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { toData, toJson } from './expression-data.ts';
import { BUILT_IN_FUNCTIONS } from './expression-syntax.ts';
import { EXPRESSION_RESULT_CHARS_MAX } from './limits.ts';

/** Functions that the caller supplies, by name in any case: `success`, `hashFiles` and the like. */
export type ExpressionFunctions = Readonly<Record<string, (...args: readonly Json[]) => Json>>;

type DataFunction = (...args: data.ExpressionData[]) => data.ExpressionData;
export interface FunctionEntry {
  readonly name: string;
  readonly minArgs: number;
  readonly maxArgs: number;
  readonly call: DataFunction;
}

/**
 * GitHub's functions, with the ones that make text measured before they make it: nested `format('{0}{0}', …)` doubles
 * its result at each level and would fill the memory.
 */
const BOUNDED: readonly (readonly [string, DataFunction])[] = [
  ['format', (...args) => callMeasured('format', formatChars(args), args)],
  ['join', (...args) => callMeasured('join', joinChars(args), args)],
  ['tojson', (value) => textData(JSON.stringify(toJson(value ?? new data.Null()), null, 2))],
  ['fromjson', (value) => parseJson(value?.coerceString() ?? '')],
];

const BASE_FUNCTIONS: ReadonlyMap<string, FunctionEntry> = baseFunctions();
const MERGED = new WeakMap<ExpressionFunctions, Map<string, FunctionEntry>>();

export function functionTable(supplied: ExpressionFunctions): Map<string, FunctionEntry> {
  const known = MERGED.get(supplied);
  if (known) return known;
  const table = new Map(BASE_FUNCTIONS);
  for (const [name, call] of Object.entries(supplied)) {
    table.set(name.toLowerCase(), {
      name,
      minArgs: 0,
      maxArgs: 255,
      call: (...args) => toData(call(...args.map(toJson))),
    });
  }
  MERGED.set(supplied, table);
  return table;
}

function baseFunctions(): Map<string, FunctionEntry> {
  const table = new Map<string, FunctionEntry>(BUILT_IN_FUNCTIONS);
  for (const [name, call] of BOUNDED) {
    const base = BUILT_IN_FUNCTIONS.get(name);
    if (base) table.set(name, { ...base, call });
  }
  return table;
}

function callMeasured(name: string, chars: number, args: data.ExpressionData[]): data.ExpressionData {
  assertResultFits(chars);
  return (BUILT_IN_FUNCTIONS.get(name) as FunctionEntry).call(...args);
}

/** An upper bound of what `format` makes, from the sizes of its arguments alone. */
function formatChars([pattern, ...values]: data.ExpressionData[]): number {
  const text = pattern?.coerceString() ?? '';
  let chars = text.length;
  for (const match of text.matchAll(/\{(\d+)\}/g)) chars += values[Number(match[1])]?.coerceString().length ?? 0;
  return chars;
}

function joinChars([list, separator]: data.ExpressionData[]): number {
  if (!(list instanceof data.Array)) return list?.coerceString().length ?? 0;
  const gap = separator?.coerceString().length ?? 1;
  return list.values().reduce((sum, item) => sum + item.coerceString().length + gap, 0);
}

function parseJson(text: string): data.ExpressionData {
  if (text.trim() === '') throw new MaestroError('EXPRESSION_FAILED', 'fromJSON expected JSON, got an empty text');
  try {
    return toData(JSON.parse(text) as Json);
  } catch (error) {
    throw new MaestroError('EXPRESSION_FAILED', 'fromJSON expected JSON, got another text', { cause: error });
  }
}

function textData(text: string): data.StringData {
  assertResultFits(text.length);
  return new data.StringData(text);
}

export function assertResultFits(chars: number): void {
  if (chars <= EXPRESSION_RESULT_CHARS_MAX) return;
  throw new MaestroError(
    'EXPRESSION_FAILED',
    `expected a result of at most ${EXPRESSION_RESULT_CHARS_MAX} characters, got ${chars}`,
  );
}
