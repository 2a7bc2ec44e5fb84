import { readFileSync } from 'node:fs';
import { MaestroError } from '../../src/base/errors.ts';

/**
 * Reads a file of `NAME=value` lines and `NAME<<DELIMITER` blocks, as GITHUB_OUTPUT, GITHUB_ENV and GITHUB_STATE are.
 *
 * @throws MaestroError OUTPUT_INVALID for a line of neither form and for a block without an end
 */
export function readCommandFile(path: string): ReadonlyMap<string, string> {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  const values = new Map<string, string>();
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line === '') continue;
    const equals = line.indexOf('=');
    const heredoc = line.indexOf('<<');
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      values.set(nameIn(line.slice(0, equals), line), line.slice(equals + 1));
      continue;
    }
    if (heredoc < 0) throw invalid(`invalid format '${line}'`);
    const delimiter = line.slice(heredoc + 2);
    const end = delimiter === '' ? -1 : lines.indexOf(delimiter, at + 1);
    if (end < 0) throw invalid(`no line '${delimiter}' ends the value that '${line}' begins`);
    values.set(nameIn(line.slice(0, heredoc), line), lines.slice(at + 1, end).join('\n'));
    at = end;
  }
  return values;
}

/** The lines of GITHUB_PATH, each a folder; the last one comes first in PATH. */
export function readPathFile(path: string): readonly string[] {
  return readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '');
}

function nameIn(name: string, line: string): string {
  if (name === '') throw invalid(`expected a name before the value in '${line}'`);
  return name;
}

function invalid(detail: string): MaestroError {
  return new MaestroError('OUTPUT_INVALID', `unable to process a command file: ${detail}`);
}
