import { MaestroError } from '../../base/errors.ts';
import { readTextInside, writeInside } from '../checkout-path.ts';
import { defineStep, type StepContext } from '../define.ts';
import { findFiles } from '../files.ts';
import { computeInThread } from '../thread.ts';
import type { Finding } from './finding.ts';
import { findByGitleaks } from './gitleaks.ts';
import { type IgnoreEntry, ignoreSecrets, readIgnoreFile } from './ignore-file.ts';
import type { SettingsOf } from './own-settings.ts';
import type { SecretPlace } from './secret-place.ts';
import { ARTIFACT, OUTPUT_DEFAULT, SECRETS_HEAD } from './secrets-head.ts';
import type { SecretsAnswer } from './secrets-thread.ts';
import { writeSarif } from './write-sarif.ts';

/** A pattern that never ends in some file is ended with the step: a file that was not read is no clean file. */
const SEARCH_MS_MAX = 900_000;
const FILES_MAX = 100_000;
const IGNORE_BYTES_MAX = 1_048_576;
/** Places that are told. All of them count. */
const PLACES_MAX = 1000;
const TOLD_MAX = 5;
/** What others wrote, and what the conductor of this machine keeps: neither is of the repository. */
const NOT_OURS = ['!**/node_modules/**', '!.maestro/state/**'];

interface SecretsInput {
  readonly scanner?: 'secretlint' | 'gitleaks';
  readonly settings?: SettingsOf;
  readonly ignore?: string;
  readonly output?: string;
}

export const secretsStep = defineStep<SecretsInput>({
  ...SECRETS_HEAD,
  run: async (context, { scanner = 'secretlint', settings = 'maestro', ignore, output = OUTPUT_DEFAULT }) => {
    if (scanner === 'secretlint' && settings === 'checkout')
      throw new MaestroError(
        'INPUT_INVALID',
        'expected with.settings of maestro for secretlint: it has no others here',
      );
    const entries = ignore === undefined ? [] : await readIgnored(context, ignore);
    const { places: found, files, skipped } = await search(context, scanner, settings);
    const { places, ignoredCount, unused } = ignoreSecrets(found, entries);
    for (const { text } of unused)
      context.annotate({
        level: 'notice',
        message: `nothing is ignored by it: ${text}`,
        ...(ignore ? { path: ignore } : {}),
      });
    const log = writeSarif(scanner, places.slice(0, PLACES_MAX).map(findingOf));
    await writeInside(context.workingDirectory, output, `${JSON.stringify(log, null, 2)}\n`);
    context.log(
      `${scanner}: ${places.length} secrets, ${ignoredCount} ignored; ${files} files read, ${skipped} skipped`,
    );
    const result = { scanner, findings: places.length, ignored: ignoredCount, files, skipped, path: output };
    // The worker makes remarks of it, on the lines that it names.
    const artifacts = [{ name: ARTIFACT, paths: [output], isRequired: true }];
    if (places.length === 0) return { kind: 'succeeded', result, artifacts };
    return { kind: 'failed', errorClass: 'step', errorCode: 'SECRET_FOUND', message: tell(places), result, artifacts };
  },
});

async function readIgnored({ workingDirectory }: StepContext, path: string): Promise<readonly IgnoreEntry[]> {
  return readIgnoreFile(await readTextInside(workingDirectory, path, IGNORE_BYTES_MAX));
}

async function search(
  context: StepContext,
  scanner: 'secretlint' | 'gitleaks',
  settings: SettingsOf,
): Promise<SecretsAnswer> {
  if (scanner === 'gitleaks') return { places: await findByGitleaks(context, settings), files: 0, skipped: 0 };
  const { files } = await findFiles(context.workingDirectory, ['**', ...NOT_OURS]);
  if (files.length > FILES_MAX)
    throw new MaestroError(
      'INPUT_INVALID',
      `expected at most ${FILES_MAX} files in the checkout, found ${files.length}`,
    );
  const paths = files.map(({ path, absolutePath }) => ({ path, absolutePath }));
  const answer = await computeInThread({
    module: new URL('./secrets-thread.ts', import.meta.url),
    data: paths,
    timeoutMs: SEARCH_MS_MAX,
    signal: context.signal,
  });
  return answer as unknown as SecretsAnswer;
}

function findingOf({ path, line, kind, rule }: SecretPlace): Finding {
  return { id: `secret/${kind}`, aliases: [], severity: 'critical', title: rule, source: 'secrets', path, line };
}

function tell(places: readonly SecretPlace[]): string {
  const told = places.slice(0, TOLD_MAX).map(({ path, line, kind }) => `${path}:${line} (${kind})`);
  const more = places.length > TOLD_MAX ? `, and ${places.length - TOLD_MAX} more` : '';
  return `expected no secret in the checkout, found ${places.length}: ${told.join(', ')}${more}`;
}
