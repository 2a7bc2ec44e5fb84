/**
 * GitHub's filter patterns, which are no shell globs: `*` any characters but `/`; `**` any; before a `/` also no folder at all;
 * `?` and `+` repeat the character before them; `[a-z0-9]` one of these; `\` takes the next character as it is. A `!` in
 * front is read by the list (`matchesList`), not here.
 *
 * Patterns and names both come from strangers, so they are matched in steps of one character over all ways at once:
 * length of the pattern times length of the name, never more.
 * @source https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
 */
export function matchesGlob(pattern: string, name: string): boolean {
  return run(programOf(pattern), name);
}

/** A list is read in order, and the last pattern that matches decides: `!` in front of it refuses. */
export function matchesList(patterns: readonly string[], name: string): boolean {
  let isMatch = false;
  for (const pattern of patterns) {
    const isNegative = pattern.startsWith('!');
    // What would not change the answer need not be looked at.
    if (isMatch !== isNegative) continue;
    if (matchesGlob(isNegative ? pattern.slice(1) : pattern, name)) isMatch = !isNegative;
  }
  return isMatch;
}

type Test = (char: string) => boolean;

/** `one` takes a character; `loop` any number of them; `skip` takes none, and may also pass over the next instruction. */
type Instruction = { readonly type: 'one' | 'loop' | 'folders'; readonly test: Test } | { readonly type: 'skip' };

const PROGRAMS_MAX = 1000;
const programs = new Map<string, readonly Instruction[]>();

function programOf(pattern: string): readonly Instruction[] {
  let program = programs.get(pattern);
  if (!program) {
    program = compile(pattern);
    if (programs.size >= PROGRAMS_MAX) programs.clear();
    programs.set(pattern, program);
  }
  return program;
}

const anything: Test = () => true;
const notSlash: Test = (char) => char !== '/';

function compile(pattern: string): readonly Instruction[] {
  const chars = Array.from(pattern);
  const program: Instruction[] = [];
  for (let at = 0; at < chars.length; ) {
    const stars = starsAt(chars, at);
    if (stars >= 2) {
      const isFolders = (at === 0 || chars[at - 1] === '/') && chars[at + stars] === '/';
      if (isFolders) program.push({ type: 'skip' }, { type: 'folders', test: anything });
      else program.push({ type: 'loop', test: anything });
      at += stars + (isFolders ? 1 : 0);
    } else if (stars === 1) {
      program.push({ type: 'loop', test: notSlash });
      at += 1;
    } else {
      const { test, next } = atomAt(chars, at);
      at = next;
      const quantifier = chars[at];
      if (quantifier === '?') program.push({ type: 'skip' });
      program.push({ type: 'one', test });
      if (quantifier === '+') program.push({ type: 'loop', test });
      if (quantifier === '?' || quantifier === '+') at += 1;
    }
  }
  return program;
}

function starsAt(chars: readonly string[], at: number): number {
  let end = at;
  while (chars[end] === '*') end++;
  return end - at;
}

/** A character, an escaped one, or a class; a bracket that is not closed is itself. */
function atomAt(chars: readonly string[], at: number): { readonly test: Test; readonly next: number } {
  const char = chars[at] ?? '';
  const escaped = chars[at + 1];
  if (char === '\\' && escaped !== undefined) return { test: (one) => one === escaped, next: at + 2 };
  const close = char === '[' ? chars.indexOf(']', at + 1) : -1;
  if (close <= at + 1) return { test: (one) => one === char, next: at + 1 };
  const members = chars.slice(at + 1, close);
  return { test: classOf(members), next: close + 1 };
}

function classOf(members: readonly string[]): Test {
  const singles = new Set<string>();
  const ranges: [string, string][] = [];
  for (let i = 0; i < members.length; i++) {
    const [from = '', dash, to] = members.slice(i, i + 3);
    if (dash === '-' && to !== undefined) {
      ranges.push([from, to]);
      i += 2;
    } else singles.add(from);
  }
  return (char) => singles.has(char) || ranges.some(([from, to]) => from <= char && char <= to);
}

function run(program: readonly Instruction[], name: string): boolean {
  let places = new Set<number>();
  reach(program, 0, places);
  for (const char of name) {
    const next = new Set<number>();
    for (const place of places) step(program, place, char, next);
    if (next.size === 0) return false;
    places = next;
  }
  return places.has(program.length);
}

function step(program: readonly Instruction[], place: number, char: string, next: Set<number>): void {
  const instruction = program[place];
  if (!instruction || instruction.type === 'skip' || !instruction.test(char)) return;
  if (instruction.type === 'one') reach(program, place + 1, next);
  else if (instruction.type === 'loop') reach(program, place, next);
  else {
    next.add(place);
    if (char === '/') reach(program, place + 1, next);
  }
}

/** Adds a place, and those that are reached from it without a character. */
function reach(program: readonly Instruction[], place: number, into: Set<number>): void {
  if (into.has(place)) return;
  into.add(place);
  const type = program[place]?.type;
  if (type === 'loop' || type === 'skip') reach(program, place + 1, into);
  if (type === 'skip') reach(program, place + 2, into);
}
