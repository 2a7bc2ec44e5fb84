import type { Finding } from './context.ts';
import type { Paint } from './paint.ts';
import { cutText, padText, safeText, widthOf } from './terminal-text.ts';

/** A finding with the line it is about, and a caret below the column. */
export function findingText(file: string, source: string, finding: Finding, columns: number, paint: Paint): string {
  const isError = finding.severity === 'error';
  const label = isError ? paint.red(paint.bold('error')) : paint.yellow(paint.bold('warning'));
  const place = `${safeText(file)}:${finding.line}:${finding.column}`;
  const head = `${paint.bold(place)}: ${label}[${finding.code}]: ${finding.message.split('\n').map(safeText).join('\n  ')}`;
  const quote = quoteOf(source, finding, columns, isError ? paint.red : paint.yellow, paint);
  return quote ? `${head}\n${quote}` : head;
}

function quoteOf(
  source: string,
  finding: Finding,
  columns: number,
  mark: Paint['red'],
  paint: Paint,
): string | undefined {
  const line = lineOf(source, finding.line);
  if (line === undefined || line.trim() === '') return undefined;
  const number = String(finding.line);
  const room = Math.max(20, columns - number.length - 5);
  const before = widthOf(safeText(line.slice(0, finding.column - 1)));
  const shift = Math.max(0, before - room + 10);
  const shown = cutText(safeText(line).slice(shift), room);
  const gutter = padText('', number.length);
  return [
    `  ${paint.dim(`${number} |`)} ${shown}`,
    `  ${paint.dim(`${gutter} |`)} ${' '.repeat(before - shift)}${mark('^')}`,
  ].join('\n');
}

/** Line `number` (from 1), found without splitting a file of 10,000 lines for every finding. */
function lineOf(source: string, number: number): string | undefined {
  let start = 0;
  for (let line = 1; line < number; line++) {
    const end = source.indexOf('\n', start);
    if (end < 0) return undefined;
    start = end + 1;
  }
  const end = source.indexOf('\n', start);
  return source.slice(start, end < 0 ? undefined : end).replace(/\r$/, '');
}

export function countFindings(findings: readonly { readonly severity: string }[]): string {
  const errors = findings.filter((finding) => finding.severity === 'error').length;
  return `${plural(errors, 'error')}, ${plural(findings.length - errors, 'warning')}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
