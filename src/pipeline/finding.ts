import { FINDINGS_MAX } from './limits.ts';

/** The closed list of lint codes. Codes are public: editors, tests and suppressions rely on them. */
export const LINT_CODES = [
  // the file
  'file-binary',
  'file-too-large',
  'findings-limit',
  'yaml-alias',
  'yaml-alias-limit',
  'yaml-duplicate-key',
  'yaml-empty',
  'yaml-flow-expression',
  'yaml-key',
  'yaml-multiple-documents',
  'yaml-syntax',
  'yaml-tab',
  'yaml-too-deep',
  // the shape
  'schema-key-unknown',
  'schema-key-missing',
  'schema-type',
  'schema-value',
  'duration-range',
  'cron-invalid',
  // params
  'param-default',
  'param-missing',
  'param-type',
  'param-unknown',
  'param-unused',
  // the release
  'release-asset',
  'release-trigger',
  // steps
  'gate-without-needs',
  'needs-limit',
  'receipt-limit',
  'step-cycle',
  'step-duplicate',
  'step-not-ancestor',
  'step-unknown',
  'steps-limit',
  'uses-and-run',
  // uses
  'package-not-installed',
  'package-not-pinned',
  'package-type',
  'package-version',
  'path-outside',
  'step-unavailable',
  'task-invalid',
  'task-not-found',
  'task-secret',
  'uses-invalid',
  'uses-unknown',
  'with-invalid',
  // expressions
  'condition-mixed',
  'expression-context',
  'expression-context-unknown',
  'expression-dynamic-step',
  'expression-function',
  'expression-function-unknown',
  'expression-matrix-key',
  'expression-param',
  'expression-step-property',
  'expression-syntax',
  'expression-unclosed',
  'template-failed',
  // fan-out
  'matrix-and-for-each',
  'matrix-duplicate',
  'matrix-empty',
  'matrix-invalid',
  'matrix-limit',
  // safety
  'retry-on-policy',
  'script-injection',
  'secret-in-condition',
  'secret-not-declared',
] as const;

export type LintCode = (typeof LINT_CODES)[number];
export type Severity = 'error' | 'warning';

/** One remark on a pipeline file. Lines and columns count from 1, columns in UTF-16 units. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine?: number;
  readonly endColumn?: number;
  readonly severity: Severity;
  readonly code: LintCode;
  readonly message: string;
}

/** A place in the text: character offsets, the end excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Collects the findings of one file and turns offsets into lines and columns. */
export class Findings {
  readonly #file: string;
  readonly #lineStarts: readonly number[];
  readonly #found = new Map<string, Finding>();

  constructor(file: string, text: string) {
    this.#file = file;
    this.#lineStarts = lineStartsOf(text);
  }

  error(code: LintCode, span: Span, message: string): void {
    this.#add('error', code, span, message);
  }

  warning(code: LintCode, span: Span, message: string): void {
    this.#add('warning', code, span, message);
  }

  get hasErrors(): boolean {
    return this.#found.values().some(({ severity }) => severity === 'error');
  }

  /** By position; equal remarks once; at most FINDINGS_MAX and one that says that there are more. */
  sorted(): readonly Finding[] {
    const all = [...this.#found.values()].sort(byPosition);
    const last = all[FINDINGS_MAX];
    if (!last) return all;
    const more = {
      ...last,
      severity: 'error' as const,
      code: 'findings-limit' as const,
      message: `${all.length - FINDINGS_MAX} more findings are not shown`,
    };
    return [...all.slice(0, FINDINGS_MAX), more];
  }

  #add(severity: Severity, code: LintCode, span: Span, message: string): void {
    const start = this.#position(span.start);
    const end = this.#position(Math.max(span.start, span.end));
    const finding = { file: this.#file, ...start, endLine: end.line, endColumn: end.column, severity, code, message };
    this.#found.set(`${span.start} ${code} ${message}`, finding);
  }

  #position(offset: number): { line: number; column: number } {
    const starts = this.#lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }
}

function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function byPosition(a: Finding, b: Finding): number {
  return a.line - b.line || a.column - b.column || compareText(a.code, b.code) || compareText(a.message, b.message);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
