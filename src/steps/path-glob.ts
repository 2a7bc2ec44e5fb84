import { MaestroError } from '../base/errors.ts';

const PATTERN_LENGTH_MAX = 1000;
const WILDCARDS_MAX = 20;

/**
 * A matcher for paths below one folder: `*`, `?` and `[a-z]` within a name, `**` for any folders, `\` before what stands for
 * itself. All else does so anyhow, braces and `!` included.
 *
 * Patterns are hostile. A regular expression would try every way in which its wildcards can share a name; here the last wildcard
 * alone is tried anew, so that the work grows with the length of the pattern times that of the path.
 *
 * @throws MaestroError INPUT_INVALID for a pattern that is too long, or has too many wildcards
 */
export function globMatcher(glob: string): (path: string) => boolean {
  if (glob.length > PATTERN_LENGTH_MAX || (glob.match(/[*?[]/g)?.length ?? 0) > WILDCARDS_MAX)
    throw new MaestroError('INPUT_INVALID', 'expected a shorter pattern, with fewer wildcards');
  const names = glob.split('/');
  const pattern = names.map((name) => (name === '**' ? ANY : nameMatcher(name)));
  // What ends in `**` is about what is in a folder, and not about the folder.
  if (names.length > 1 && pattern.at(-1) === ANY) pattern.push(() => true);
  return (path) => matchesAll(pattern, path.split('/'));
}

const ANY = Symbol('any number of them');
/** What one item has to be, or any number of items. */
type Pattern<T> = readonly (((item: T) => boolean) | typeof ANY)[];

function matchesAll<T>(pattern: Pattern<T>, items: readonly T[]): boolean {
  let [at, item, lastAny, itemAtAny] = [0, 0, -1, 0];
  while (item < items.length) {
    const wanted = pattern[at];
    if (wanted === ANY) {
      [lastAny, itemAtAny] = [at, item];
      at++;
    } else if (wanted?.(items[item] as T)) {
      at++;
      item++;
    } else if (lastAny >= 0) {
      // One more for the last of them: whatever an earlier one could take, this one can as well.
      itemAtAny++;
      [at, item] = [lastAny + 1, itemAtAny];
    } else return false;
  }
  return pattern.slice(at).every((wanted) => wanted === ANY);
}

function nameMatcher(name: string): (text: string) => boolean {
  const pattern = [...tokensOf(Array.from(name))];
  return (text) => matchesAll(pattern, Array.from(text));
}

function* tokensOf(chars: readonly string[]): Generator<((char: string) => boolean) | typeof ANY> {
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at];
    const set = char === '[' ? setAt(chars, at) : undefined;
    if (set) {
      at = set.end;
      yield set.has;
    } else if (char === '*') yield ANY;
    else if (char === '?') yield () => true;
    else {
      const literal = char === '\\' && at + 1 < chars.length ? chars[++at] : char;
      yield (one) => one === literal;
    }
  }
}

/** `[a-z]` or `[^a]`, as Docker has it; undefined where the bracket is not closed and stands for itself. */
function setAt(
  chars: readonly string[],
  start: number,
): { readonly end: number; readonly has: (char: string) => boolean } | undefined {
  const isNot = chars[start + 1] === '^';
  const ranges: (readonly [number, number])[] = [];
  const first = start + (isNot ? 2 : 1);
  for (let at = first; at < chars.length; at++) {
    // A bracket that comes first is one of the set.
    if (chars[at] === ']' && at > first)
      return {
        end: at,
        has: (char) => ranges.some(([from, to]) => from <= codeOf(char) && codeOf(char) <= to) !== isNot,
      };
    if (chars[at] === '\\' && at + 1 < chars.length) at++;
    const from = codeOf(chars[at]);
    const isRange = chars[at + 1] === '-' && at + 2 < chars.length && chars[at + 2] !== ']';
    if (isRange) at += 2;
    ranges.push([from, codeOf(chars[at])]);
  }
  return undefined;
}

function codeOf(char: string | undefined): number {
  return char?.codePointAt(0) ?? -1;
}
