import { join } from 'node:path';
import { MaestroError } from '../../../base/errors.ts';
import type { JsonObject } from '../../../base/json.ts';
import { readRegularFile } from '../../output-file.ts';
import { type Finding, findingOf, isObject, notUnderstood, objectsIn, shortText, textsIn } from '../finding.ts';
import { purlOf } from '../purl.ts';
import { severityOfWord } from '../severity.ts';
import type { Scanner } from './scanner.ts';

const LOCK_FILES = ['npm-shrinkwrap.json', 'package-lock.json'];
const LOCK_BYTES_MAX = 67_108_864;
const NPMRC_BYTES_MAX = 1_048_576;
const REPORT_VERSION = 2;

/**
 * Whatever the project's own settings say: offline npm knows of no weakness, and of fewer where it leaves out workspaces, or kinds
 * of dependencies.
 */
const WHOLE = ['--offline=false', '--workspaces=null', '--include=dev', '--include=optional', '--include=peer'];

/** @source https://docs.npmjs.com/cli/v11/commands/npm-audit: its report of version 2 */
export const npmAudit: Scanner = {
  name: 'npm-audit',
  uri: 'https://docs.npmjs.com/cli/commands/npm-audit',
  program: 'npm',
  how: 'it comes with Node.js',
  request: async ({ folder, registry }) => {
    if (!(await lockOf(folder))) return undefined;
    await assertWhole(folder);
    const from = registry === undefined ? [] : ['--registry', registry];
    return { argv: ['npm', 'audit', '--json', '--package-lock-only', '--audit-level=none', ...WHOLE, ...from] };
  },
  doneWith: [0, 1],
  read: async (answer, { folder }) => {
    if (answer.auditReportVersion !== REPORT_VERSION || !isObject(answer.vulnerabilities))
      throw notUnderstood('npm audit', `a report of version ${REPORT_VERSION}${tellError(answer.error)}`);
    const lock = await lockOf(folder);
    const versions = isObject(lock?.content.packages) ? lock.content.packages : {};
    return Object.values(answer.vulnerabilities)
      .filter(isObject)
      .flatMap((weak) => findingsOf(weak, versions, lock?.name));
  },
};

/**
 * Asked for one workspace, npm tells nothing of the others, and no option takes that back. Names that npm would first have to
 * decode may mean the same.
 * @source https://docs.npmjs.com/cli/v11/configuring-npm/npmrc
 */
async function assertWhole(folder: string): Promise<void> {
  const text = (await readRegularFile(join(folder, '.npmrc'), NPMRC_BYTES_MAX)) ?? '';
  const names = text.split(/[\r\n]+/).map((line) => (line.split('=')[0] ?? '').trim());
  const isPart = (name: string): boolean => /^workspace(?:\[\])?$|["'\\]|\$\{/.test(name);
  if (names.some((name) => !/^[#;]/.test(name) && isPart(name)))
    throw new MaestroError(
      'SCAN_FAILED',
      'expected an .npmrc without "workspace" and without quoted names: npm audit would tell of a part of the project only',
    );
}

/** A package is weak by itself, or because it needs one that is: only the former is a finding, with each place it lies at. */
function findingsOf(weak: JsonObject, versions: JsonObject, path: string | undefined): readonly Finding[] {
  const packageName = shortText(weak.name);
  const nodes = textsIn(weak.nodes).map((node) => (isObject(versions[node]) ? shortText(versions[node].version) : ''));
  const found = nodes.length === 0 ? [''] : [...new Set(nodes)];
  return objectsIn(weak.via).flatMap((advisory) =>
    found.map((version) =>
      findingOf({
        id: idOf(advisory),
        aliases: [],
        severity: severityOfWord(advisory.severity),
        title: shortText(advisory.title),
        source: 'npm-audit',
        packageName,
        version,
        purl: purlOf('npm', packageName, version || undefined),
        path,
      }),
    ),
  );
}

function idOf({ url, source }: JsonObject): string {
  const ghsa = /GHSA(?:-[a-z\d]{4}){3}$/i.exec(shortText(url))?.[0];
  return ghsa ?? `npm-${typeof source === 'number' ? source : 'unknown'}`;
}

interface Lock {
  readonly name: string;
  readonly content: JsonObject;
}

async function lockOf(folder: string): Promise<Lock | undefined> {
  for (const name of LOCK_FILES) {
    const text = await readRegularFile(join(folder, name), LOCK_BYTES_MAX);
    if (text === undefined) continue;
    try {
      const content: unknown = JSON.parse(text);
      if (isObject(content)) return { name, content };
    } catch {
      // npm says so better.
      return { name, content: {} };
    }
  }
  return undefined;
}

/** npm's own words: a registry that is away, or that has no audit. */
function tellError(error: unknown): string {
  return isObject(error) ? ` (${shortText(error.code, 'an error')}: ${shortText(error.summary)})` : '';
}
