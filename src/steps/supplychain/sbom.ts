import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestBytes } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import { isJsonObject, type Json } from '../../base/json.ts';
import { attestDocument } from '../attest/attest-document.ts';
import { type ContentsInput, findContents, ownArtifacts } from '../attest/contents.ts';
import { folderInside, writeInside } from '../checkout-path.ts';
import { defineStep, type ProgramRequest, type StepContext } from '../define.ts';
import { readRegularFile } from '../output-file.ts';
import { findProgram, isExecutable, programMissing } from '../program-output.ts';
import { computeInThread } from '../thread.ts';
import { cyclonedxNpmProgram } from './cyclonedx-npm-program.ts';
import { ARTIFACT, OUTPUT_DEFAULT, SBOM_HEAD } from './sbom-head.ts';
import type { SbomAnswer, SbomRequest } from './sbom-thread.ts';

/** An SBOM becomes the predicate of an attestation, which verifiers refuse beyond 16 MiB. */
export const SBOM_BYTES_MAX = 12_582_912;
/** Validation of a document of that size takes a few seconds. */
const CHECK_MS_MAX = 120_000;
const NPM_LOCKS = ['package-lock.json', 'npm-shrinkwrap.json'];
const NPM_FILE_BYTES_MAX = 67_108_864;
const CDXGEN_HOW =
  'add @cyclonedx/cdxgen to the project or install it on the worker (npm install --global @cyclonedx/cdxgen)';

type Omitted = 'dev' | 'optional' | 'peer';

interface SbomInput extends ContentsInput {
  readonly path?: string;
  readonly ecosystem?: 'auto' | 'npm' | 'other';
  readonly output?: string;
  readonly omit?: readonly Omitted[];
  readonly component?: { readonly name: string; readonly version: string };
}

export const sbomStep = defineStep<SbomInput>({
  ...SBOM_HEAD,
  run: async (context, input) => {
    const output = input.output ?? OUTPUT_DEFAULT;
    const contents = await findContents(context, input);
    const folder = await folderInside(context.workingDirectory, input.path ?? '.');
    const raw = await readSbom(await generate(context, folder, input));
    const { text, components } = await normalize(context, raw, input.component);
    await writeInside(context.workingDirectory, output, text);
    context.log(`${output}: ${components} components, ${Buffer.byteLength(text)} bytes`);
    const statement = await attestDocument(context, contents, { kind: 'sbom', path: output });
    const paths = [output, ...(statement === undefined ? [] : [statement])];
    return {
      kind: 'succeeded',
      result: { path: output, digest: digestBytes(text), components, format: 'CycloneDX 1.6 JSON' },
      artifacts: [{ name: ARTIFACT, paths, isRequired: true }, ...ownArtifacts(contents)],
    };
  },
});

/** Runs the generator; answers the file that it wrote. */
async function generate(context: StepContext, folder: string, input: SbomInput): Promise<string> {
  const raw = join(context.temporaryDirectory, 'raw.cdx.json');
  const isNpm = input.ecosystem === 'npm' || (input.ecosystem !== 'other' && (await hasNpmLock(folder)));
  const request = isNpm
    ? await cyclonedxNpm(folder, raw, input.omit ?? [])
    : await cdxgen(context, folder, raw, input.omit ?? []);
  const end = await context.runProgram(request);
  if (end.exitCode === 0) return raw;
  const name = isNpm ? 'cyclonedx-npm' : 'cdxgen';
  throw new MaestroError(
    'SBOM_INVALID',
    `${name} ended with ${end.exitCode === null ? end.signalName : `exit status ${end.exitCode}`} and made no SBOM: see the log`,
  );
}

async function cyclonedxNpm(folder: string, raw: string, omit: readonly Omitted[]): Promise<ProgramRequest> {
  for (const name of ['package.json', ...NPM_LOCKS]) await assertJsonObject(folder, name);
  // Of packages that are not installed only the lock file tells.
  const isInstalled = await isFolder(join(folder, 'node_modules'));
  const argv = [
    process.execPath,
    cyclonedxNpmProgram(),
    '--output-reproducible',
    // We validate what is kept, which is not yet this.
    '--no-validate',
    '--spec-version',
    '1.6',
    '--output-file',
    raw,
    ...omit.flatMap((kind) => ['--omit', kind]),
    ...(isInstalled ? [] : ['--package-lock-only']),
    '--',
    'package.json',
  ];
  // Else a machine's NODE_ENV would decide what is left out.
  return { argv, cwd: folder, env: { NODE_ENV: '' } };
}

async function cdxgen(
  context: StepContext,
  folder: string,
  raw: string,
  omit: readonly Omitted[],
): Promise<ProgramRequest> {
  if (omit.length > 0)
    throw new MaestroError(
      'INPUT_INVALID',
      'expected no with.omit: only npm projects tell kinds of dependencies apart',
    );
  const own = [folder, context.workingDirectory].map((root) => join(root, 'node_modules/.bin/cdxgen'));
  let program: string | undefined;
  for (const path of own) if (program === undefined && (await isExecutable(path))) program = path;
  program ??= await findProgram(context, 'cdxgen');
  if (program === undefined) throw programMissing('cdxgen', CDXGEN_HOW);
  const argv = [program, '--spec-version', '1.6', '--no-install-deps', '--no-banner', '--output', raw, '.'];
  return { argv, cwd: folder };
}

/** Of a file that npm cannot read it makes a project without dependencies, and of that an SBOM of nothing. */
async function assertJsonObject(folder: string, name: string): Promise<void> {
  const text = await readRegularFile(join(folder, name), NPM_FILE_BYTES_MAX);
  if (text === undefined && name !== 'package.json') return;
  try {
    if (isJsonObject(JSON.parse(text ?? ''))) return;
  } catch {
    // Told below, as for what is JSON and no object.
  }
  throw new MaestroError('SBOM_INVALID', `expected a JSON object in ${name} of the project`);
}

async function hasNpmLock(folder: string): Promise<boolean> {
  for (const name of NPM_LOCKS) {
    if (await isFile(join(folder, name))) return true;
  }
  return false;
}

async function readSbom(file: string): Promise<string> {
  try {
    const text = await readRegularFile(file, SBOM_BYTES_MAX);
    if (text !== undefined) return text;
  } catch (cause) {
    if (cause instanceof MaestroError && cause.code === 'OUTPUT_TOO_LARGE')
      throw new MaestroError('SBOM_INVALID', `expected an SBOM of ${cause.message.replace(/^expected /, '')}`, {
        cause,
      });
    throw cause;
  }
  throw new MaestroError('SBOM_INVALID', 'expected the generator to write an SBOM, got no file');
}

/** Checked and put in order in a thread: a document of megabytes would hold up the other steps of this worker. */
async function normalize(
  context: StepContext,
  text: string,
  component: SbomInput['component'],
): Promise<Extract<SbomAnswer, { readonly text: string }>> {
  const epoch = context.env.SOURCE_DATE_EPOCH;
  const request: SbomRequest = {
    text,
    ...(component ? { component } : {}),
    ...(epoch !== undefined && /^\d{1,11}$/.test(epoch) ? { epochSeconds: Number(epoch) } : {}),
  };
  const answer = (await computeInThread({
    module: new URL('./sbom-thread.ts', import.meta.url),
    data: request as unknown as Json,
    timeoutMs: CHECK_MS_MAX,
    signal: context.signal,
  })) as unknown as SbomAnswer;
  if ('problem' in answer) throw new MaestroError('SBOM_INVALID', answer.problem);
  if (Buffer.byteLength(answer.text) > SBOM_BYTES_MAX)
    throw new MaestroError('SBOM_INVALID', `expected an SBOM of at most ${SBOM_BYTES_MAX} bytes`);
  return answer;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
