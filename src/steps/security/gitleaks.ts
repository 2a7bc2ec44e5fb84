import { isAbsolute, relative, sep } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import type { StepContext } from '../define.ts';
import { findProgram, programMissing, readProgramOutput } from '../program-output.ts';
import { isObject, shortText } from './finding.ts';
import { type SecretPlace, sortPlaces } from './secret-place.ts';

const REPORT_BYTES_MAX = 33_554_432;
const HOW = 'see https://github.com/gitleaks/gitleaks#installing, or take with.scanner secretlint';

/**
 * Places of secrets as gitleaks finds them in the files, not in the history. What it says beside its report is dropped, for
 * it may quote what it found; of the report only rules and lines are read.
 *
 * @throws MaestroError SCAN_FAILED where it fails or says something else than its report
 * @source https://github.com/gitleaks/gitleaks#reporting
 */
export async function findByGitleaks(context: StepContext): Promise<readonly SecretPlace[]> {
  if ((await findProgram(context, 'gitleaks')) === undefined) throw programMissing('gitleaks', HOW);
  const argv = ['gitleaks', 'dir', '.', '--report-format', 'json', '--report-path', '/dev/stdout'];
  const { exitCode, text } = await readProgramOutput(
    context,
    { argv: [...argv, '--redact', '--ignore-gitleaks-allow', '--no-banner', '--exit-code', '0'] },
    REPORT_BYTES_MAX,
    true,
  );
  if (exitCode !== 0) throw failed(`an end with exit status 0, got ${exitCode ?? 'a signal'}`);
  return sortPlaces(parse(text).map((one) => placeOf(one, context.workingDirectory)));
}

function parse(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // Told below, without a word of the text.
  }
  throw failed('a JSON list');
}

function placeOf(one: unknown, root: string): SecretPlace {
  if (!isObject(one) || typeof one.File !== 'string' || typeof one.RuleID !== 'string')
    throw failed('a rule and a file');
  const path = isAbsolute(one.File) ? relative(root, one.File) : one.File;
  const kind = shortText(one.RuleID).replaceAll(/\s/g, '-');
  const line = Number.isSafeInteger(one.StartLine) && (one.StartLine as number) > 0 ? (one.StartLine as number) : 1;
  return { path: path.split(sep).join('/').replace(/^\.\//, ''), line, kind, rule: kind };
}

function failed(expected: string): MaestroError {
  return new MaestroError('SCAN_FAILED', `expected ${expected} from gitleaks`);
}
