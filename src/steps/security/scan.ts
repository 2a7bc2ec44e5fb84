import { MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { attestDocument } from '../attest/attest-document.ts';
import { type Content, type ContentsInput, findContents, ownArtifacts } from '../attest/contents.ts';
import { folderInside, readTextInside, writeInside } from '../checkout-path.ts';
import { defineStep, type StepContext } from '../define.ts';
import { findProgram, programMissing, readProgramOutput } from '../program-output.ts';
import { type Finding, isObject, sortFindings } from './finding.ts';
import { countBySeverity, type ScanLimits, whyTooWeak } from './judge-scan.ts';
import type { SettingsOf } from './own-settings.ts';
import { readSarif } from './sarif.ts';
import { ARTIFACT, SCAN_HEAD, SCANNER_NAMES, type ScannerName } from './scan-head.ts';
import { grype } from './scanners/grype.ts';
import { npmAudit } from './scanners/npm-audit.ts';
import { osvScanner } from './scanners/osv-scanner.ts';
import { pipAudit } from './scanners/pip-audit.ts';
import type { Scanner, ScanPlace } from './scanners/scanner.ts';
import { trivy } from './scanners/trivy.ts';
import { applyVex, readVex, type VexStatement, writeOpenVex } from './vex.ts';
import { writeSarif } from './write-sarif.ts';
import { writeVulns } from './write-vulns.ts';

/** What a scanner may say, and a SARIF or VEX file hold. */
const REPORT_BYTES_MAX = 33_554_432;
/** Beyond it a report says no more than that there is too much to read. */
const FINDINGS_MAX = 10_000;
const FOLDER_DEFAULT = 'scan';
const VEX_NAME = 'scan.openvex.json';

const SCANNERS: Readonly<Record<ScannerName, Scanner>> = {
  'osv-scanner': osvScanner,
  grype,
  trivy,
  'npm-audit': npmAudit,
  'pip-audit': pipAudit,
};

interface ScanInput extends ScanLimits, ContentsInput {
  readonly scanner?: string;
  readonly settings?: SettingsOf;
  readonly path?: string;
  readonly sarif?: string | readonly string[];
  readonly vex?: string | readonly string[];
  readonly registry?: string;
  readonly output?: string;
}

export const scanStep = defineStep<ScanInput>({
  ...SCAN_HEAD,
  run: async (context, input) => {
    const contents = await findContents(context, input);
    const startedOn = timeOf(context);
    const { scanner, uri, found } = await scan(context, input);
    const finishedOn = timeOf(context);
    const others = await readEach(context, input.sarif, readSarif);
    const statements = await readEach(context, input.vex, readVex);
    const all = sortFindings([...found, ...others]);
    if (all.length > FINDINGS_MAX)
      throw new MaestroError('SCAN_OVER_THRESHOLD', `expected at most ${FINDINGS_MAX} findings, got ${all.length}`);
    const { counted, suppressed } = applyVex(all, statements);
    const folder = (input.output ?? FOLDER_DEFAULT).replace(/\/+$/, '');
    const paths = await writeReports(context, folder, { scanner, counted, suppressed, statements });
    const counts = countBySeverity(counted);
    context.log(
      `${scanner}: ${counted.length} findings ${JSON.stringify(counts)}, ${suppressed.length} taken away by VEX`,
    );
    const result = {
      scanner,
      counts: { ...counts },
      findings: counted.length,
      suppressed: suppressed.length,
      path: folder,
    };
    // The worker makes remarks of the SARIF among them, the worst first, as many as a check can show.
    const artifacts = [{ name: ARTIFACT, paths, isRequired: true }];
    const why = whyTooWeak(counted, input);
    if (why !== undefined)
      return { kind: 'failed', errorClass: 'step', errorCode: 'SCAN_OVER_THRESHOLD', message: why, result, artifacts };
    const vulns = writeVulns(uri, all, { startedOn, finishedOn });
    const stated = await state(context, contents, { folder, vulns, hasVex: statements.length > 0 });
    return {
      kind: 'succeeded',
      result,
      artifacts: [{ name: ARTIFACT, paths: [...paths, ...stated], isRequired: true }, ...ownArtifacts(contents)],
    };
  },
});

/** What was found of the contents, and what VEX says of them, each in a statement. Answers the files that came of it. */
async function state(
  context: StepContext,
  contents: readonly Content[],
  { folder, vulns, hasVex }: { readonly folder: string; readonly vulns: JsonObject; readonly hasVex: boolean },
): Promise<readonly string[]> {
  if (contents.length === 0) return [];
  const path = `${folder}/scan.vulns.json`;
  await writeInside(context.workingDirectory, path, `${JSON.stringify(vulns, null, 2)}\n`);
  const made = [
    path,
    await attestDocument(context, contents, { kind: 'vulnerabilities', path }),
    hasVex ? await attestDocument(context, contents, { kind: 'vex', path: `${folder}/${VEX_NAME}` }) : undefined,
  ];
  return made.filter((one) => one !== undefined);
}

async function scan(
  context: StepContext,
  input: ScanInput,
): Promise<{ readonly scanner: string; readonly uri?: string; readonly found: readonly Finding[] }> {
  if (input.scanner === 'none') {
    if (input.sarif === undefined)
      throw new MaestroError(
        'INPUT_INVALID',
        'expected with.sarif where with.scanner is none: nothing else tells of weaknesses',
      );
    return { scanner: 'none', found: [] };
  }
  const folder = await folderInside(context.workingDirectory, input.path ?? '.');
  const place: ScanPlace = {
    folder,
    ...(input.registry !== undefined && { registry: input.registry }),
    ...(input.settings !== 'checkout' && { settingsFolder: context.temporaryDirectory }),
  };
  const { scanner, argv } = await choose(context, input.scanner ?? 'auto', place);
  const { exitCode, signalName, text } = await readProgramOutput(context, { argv, cwd: folder }, REPORT_BYTES_MAX);
  if (exitCode === null || !scanner.doneWith.includes(exitCode))
    throw new MaestroError(
      'SCAN_FAILED',
      `${scanner.name} ended with ${exitCode === null ? signalName : `exit status ${exitCode}`}: see the log`,
    );
  const found = await scanner.read(parseObject(text, scanner.name), place);
  return { scanner: scanner.name, uri: scanner.uri, found: found.map((one) => belowWorkingDirectory(one, input.path)) };
}

interface Chosen {
  readonly scanner: Scanner;
  readonly argv: readonly string[];
}

async function choose(context: StepContext, wanted: string, place: ScanPlace): Promise<Chosen> {
  const candidates = SCANNER_NAMES.filter((name) => wanted === 'auto' || name === wanted).map((name) => SCANNERS[name]);
  for (const scanner of candidates) {
    const isThere = (await findProgram(context, scanner.program)) !== undefined;
    if (!isThere && wanted !== 'auto') throw programMissing(scanner.program, scanner.how);
    const request = isThere ? await scanner.request(place) : undefined;
    if (request) return { scanner, argv: request.argv };
  }
  if (wanted !== 'auto')
    throw new MaestroError('SCAN_FAILED', `expected files that ${wanted} understands in the project, found none`);
  throw programMissing('a scanner for this project', `install one of ${SCANNER_NAMES.join(', ')}`);
}

/** Scanners tell paths below the folder they were started in. */
function belowWorkingDirectory(finding: Finding, folder: string | undefined): Finding {
  const { path } = finding;
  return path === undefined || folder === undefined || folder === '.'
    ? finding
    : { ...finding, path: `${folder.replace(/\/+$/, '')}/${path}` };
}

async function readEach<T>(
  { workingDirectory }: StepContext,
  given: string | readonly string[] | undefined,
  read: (document: JsonObject, path: string) => readonly T[],
): Promise<readonly T[]> {
  const all: T[] = [];
  for (const path of typeof given === 'string' ? [given] : (given ?? [])) {
    const text = await readTextInside(workingDirectory, path, REPORT_BYTES_MAX);
    all.push(...read(parseObject(text, path), path));
  }
  return all;
}

interface Scanned {
  readonly scanner: string;
  readonly counted: readonly Finding[];
  readonly suppressed: readonly Finding[];
  readonly statements: readonly VexStatement[];
}

async function writeReports(context: StepContext, folder: string, scanned: Scanned): Promise<readonly string[]> {
  const { scanner, counted, suppressed, statements } = scanned;
  const report = {
    schema: 'maestro.scan/v1',
    scanner,
    counts: countBySeverity(counted),
    findings: counted,
    suppressed,
  };
  const documents: readonly (readonly [string, unknown])[] = [
    ['scan.json', report],
    ['scan.sarif', writeSarif(scanner, counted)],
    ...(statements.length > 0 ? [[VEX_NAME, writeOpenVex(statements, timeOf(context))] as const] : []),
  ];
  for (const [name, document] of documents)
    await writeInside(context.workingDirectory, `${folder}/${name}`, `${JSON.stringify(document, null, 2)}\n`);
  return documents.map(([name]) => `${folder}/${name}`);
}

/** SOURCE_DATE_EPOCH, where the pipeline wants documents that are equal each time. */
function timeOf({ env }: StepContext): string {
  const epoch = env.SOURCE_DATE_EPOCH;
  return (epoch !== undefined && /^\d{1,11}$/.test(epoch) ? new Date(Number(epoch) * 1000) : new Date()).toISOString();
}

function parseObject(text: string, from: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MaestroError('SCAN_FAILED', `expected JSON from ${from}, got something else`, { cause });
  }
  if (!isObject(value))
    throw new MaestroError('SCAN_FAILED', `expected a JSON object from ${from}, got something else`);
  return value;
}
