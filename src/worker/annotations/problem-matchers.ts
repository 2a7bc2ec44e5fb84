import type { Annotation } from '../../protocol/outcome.ts';

/** Reads the lines of a log, one after another, and answers the remark that a line completes. */
export interface ProblemMatcher {
  /** A text that stands in every line of interest; chunks without any hint are not cut into lines at all. */
  readonly hints: readonly string[];
  readonly make: () => (line: string) => Annotation | readonly Annotation[] | undefined;
}

// Anchored, without nested quantifiers: a hostile line costs time in proportion to its length.
const ESCAPE = '\u001b';
const ANSI = new RegExp(`${ESCAPE}\\[[0-9;]*[A-Za-z]`, 'g');
const TSC_PLAIN = /^(\S.*?)\((\d+),(\d+)\): (error|warning) (TS\d+): (.*)$/;
const TSC_PRETTY = /^([^\s:][^:]*):(\d+):(\d+) - (error|warning) (TS\d+): (.*)$/;
const ESLINT_ROW = /^\s+(\d+):(\d+)\s+(error|warning)\s+(\S.*)$/;
const GO_VET = /^(?:vet: )?((?:[A-Za-z]:)?[^\s:]+\.go):(\d+):(?:(\d+):)? (.+)$/;

const LEVELS: Readonly<Record<string, Annotation['level']>> = { error: 'failure', warning: 'warning' };

const tscMatcher: ProblemMatcher = {
  hints: ['error TS', 'warning TS'],
  make: () => (line) => {
    const match = TSC_PLAIN.exec(line) ?? TSC_PRETTY.exec(line);
    if (!match) return undefined;
    const [, path, row, column, level, code, message] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    return at(path, row, column, { level: LEVELS[level] ?? 'failure', title: code, message });
  },
};

/** ESLint's `stylish`: a line with the file's name, then rows `  line:column  level  message  rule`. */
const eslintMatcher: ProblemMatcher = {
  hints: ['  error  ', '  warning  ', '"filePath":'],
  make: () => {
    let path: string | undefined;
    return (line) => {
      if (line.startsWith('[{"filePath":')) return eslintJson(line);
      const match = ESLINT_ROW.exec(line);
      if (!match) {
        // Any other line that is not indented may be the file's name.
        if (line !== '' && !/^\s/.test(line)) path = line;
        return undefined;
      }
      const [, row, column, level, text] = match as unknown as [string, string, string, string, string];
      if (path === undefined) return undefined;
      const [message, rule] = splitRule(text);
      return at(path, row, column, { level: LEVELS[level] ?? 'failure', message, ...(rule ? { title: rule } : {}) });
    };
  },
};

/** `go vet` and the Go compiler: `file.go:line:column: message`. */
const goMatcher: ProblemMatcher = {
  hints: ['.go:'],
  make: () => (line) => {
    const match = GO_VET.exec(line);
    if (!match) return undefined;
    const [, path, row, column, message] = match as unknown as [string, string, string, string | undefined, string];
    return at(path, row, column, { level: 'failure', message });
  },
};

export const PROBLEM_MATCHERS: readonly ProblemMatcher[] = [tscMatcher, eslintMatcher, goMatcher];

/** A line without the colours of a terminal. */
export function plainLine(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return text.includes(ESCAPE) ? text.replace(ANSI, '') : text;
}

function at(
  path: string,
  row: string,
  column: string | undefined,
  rest: Pick<Annotation, 'level' | 'message' | 'title'>,
): Annotation {
  const line = Number(row);
  const columns = column === undefined ? {} : { startColumn: Number(column), endColumn: Number(column) };
  return { path, startLine: line, endLine: line, ...columns, ...rest };
}

/** The rule stands behind the last run of two spaces or more. */
function splitRule(text: string): readonly [message: string, rule: string | undefined] {
  const gap = text.lastIndexOf('  ');
  if (gap < 0) return [text, undefined];
  return [text.slice(0, gap).trimEnd(), text.slice(gap + 2).trim()];
}

interface EslintFile {
  readonly filePath?: unknown;
  readonly messages?: unknown;
}

/** ESLint's `json` formatter: one line with an array of files. */
function eslintJson(text: string): readonly Annotation[] {
  let files: unknown;
  try {
    files = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(files)) return [];
  return (files as readonly (EslintFile | null)[]).flatMap((file) => {
    if (typeof file?.filePath !== 'string' || !Array.isArray(file.messages)) return [];
    const path = file.filePath;
    return (file.messages as readonly (Record<string, unknown> | null)[]).flatMap((entry) =>
      eslintMessage(path, entry),
    );
  });
}

function eslintMessage(path: string, entry: Record<string, unknown> | null): readonly Annotation[] {
  if (typeof entry?.message !== 'string') return [];
  const places = Object.entries({
    startLine: entry.line,
    endLine: entry.endLine ?? entry.line,
    startColumn: entry.column,
    endColumn: entry.endColumn ?? entry.column,
  });
  return [
    {
      level: entry.severity === 2 ? 'failure' : 'warning',
      message: entry.message,
      path,
      ...(typeof entry.ruleId === 'string' ? { title: entry.ruleId } : {}),
      ...Object.fromEntries(places.filter((place): place is [string, number] => typeof place[1] === 'number')),
    },
  ];
}
