import { symlink } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import type { StepContext } from '../define.ts';
import { findProgram, programMissing, readProgramOutput } from '../program-output.ts';
import { isObject, shortText } from './finding.ts';
import { type SettingsOf, writeSettings } from './own-settings.ts';
import { type SecretPlace, sortPlaces } from './secret-place.ts';

const REPORT_BYTES_MAX = 33_554_432;
const HOW = 'see https://github.com/gitleaks/gitleaks#installing, or take with.scanner secretlint';

/** The rules that gitleaks comes with. */
const SETTINGS = '[extend]\nuseDefault = true\n';
/** Of the folder that leads to the checkout. */
const LINK = 'checkout';

/**
 * Places of secrets as gitleaks finds them in the files, not in the history. What it says beside its report is dropped, for
 * it may quote what it found; of the report only rules and lines are read. A comment in a file excuses nothing.
 *
 * @param settings of the checkout: its `.gitleaks.toml` and `.gitleaksignore` count, and whoever may change it may excuse what it holds
 * @throws MaestroError SCAN_FAILED where it fails or says something else than its report
 * @source https://github.com/gitleaks/gitleaks#reporting
 */
export async function findByGitleaks(context: StepContext, settings: SettingsOf): Promise<readonly SecretPlace[]> {
  if ((await findProgram(context, 'gitleaks')) === undefined) throw programMissing('gitleaks', HOW);
  const { root, argv } = settings === 'checkout' ? { root: '.', argv: [] } : await ownSettings(context);
  // As a path /dev/stdout would be removed first: gitleaks tries whether it can write there.
  const report = ['--report-format', 'json', '--report-path', '-'];
  const quiet = ['--redact', '--ignore-gitleaks-allow', '--no-banner', '--exit-code', '0'];
  const { exitCode, text } = await readProgramOutput(
    context,
    { argv: ['gitleaks', 'dir', root, ...report, ...quiet, ...argv] },
    REPORT_BYTES_MAX,
    true,
  );
  if (exitCode !== 0) throw failed(`an end with exit status 0, got ${exitCode ?? 'a signal'}`);
  return sortPlaces(parse(text).map((one) => placeOf(one, settings === 'checkout' ? context.workingDirectory : root)));
}

/**
 * No option keeps gitleaks from reading the `.gitleaksignore` of what it searches. But its entries name paths, which begin here with a
 * folder of this attempt alone: no file of the checkout can know them.
 */
async function ownSettings({
  temporaryDirectory,
  workingDirectory,
}: StepContext): Promise<{ readonly root: string; readonly argv: readonly string[] }> {
  const link = join(temporaryDirectory, LINK);
  await symlink(workingDirectory, link);
  const config = await writeSettings(temporaryDirectory, 'gitleaks.toml', SETTINGS);
  // Without the slash it would be a link, which is not searched.
  return { root: `${link}/`, argv: ['--config', config, '--gitleaks-ignore-path', temporaryDirectory] };
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
