import { MaestroError } from '../base/errors.ts';

const ALTERNATIVES_MAX = 100;

/**
 * The patterns that a pattern with `{a,b}` stands for, `\` before what stands for itself. Braces without a comma stand for themselves.
 * @throws MaestroError INPUT_INVALID for too many of them
 */
export function expandBraces(pattern: string): readonly string[] {
  const open = [pattern];
  const plain: string[] = [];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const group = firstGroup(at);
    if (group === undefined) plain.push(at);
    else for (const part of group.parts) open.push(at.slice(0, group.start) + part + at.slice(group.end));
    if (open.length + plain.length > ALTERNATIVES_MAX)
      throw new MaestroError('INPUT_INVALID', `expected a pattern of at most ${ALTERNATIVES_MAX} alternatives`);
  }
  return plain;
}

interface Group {
  /** Of its brace, and behind the one that closes it. */
  readonly start: number;
  readonly end: number;
  readonly parts: readonly string[];
}

/** The first innermost braces with a comma: what is around them is expanded after them. */
function firstGroup(pattern: string): Group | undefined {
  let [start, commas]: [number, number[]] = [-1, []];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '\\') at++;
    else if (char === '{') [start, commas] = [at, []];
    else if (char === ',' && start >= 0) commas.push(at);
    else if (char === '}' && start >= 0) {
      if (commas.length > 0) return { start, end: at + 1, parts: partsOf(pattern, start, [...commas, at]) };
      start = -1;
    }
  }
  return undefined;
}

function partsOf(pattern: string, start: number, ends: readonly number[]): readonly string[] {
  return ends.map((end, i) => pattern.slice((ends[i - 1] ?? start) + 1, end));
}
