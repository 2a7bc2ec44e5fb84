import { MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { rankOf, type Severity } from './severity.ts';

/** A weakness that a scanner found, in one form whatever the scanner. */
export interface Finding {
  /** As the scanner names it: CVE-…, GHSA-…, the rule of a SARIF report. */
  readonly id: string;
  readonly aliases: readonly string[];
  readonly severity: Severity;
  readonly title: string;
  /** Who says so. */
  readonly source: string;
  readonly packageName?: string;
  readonly version?: string;
  /** Package URL without qualifiers. */
  readonly purl?: string;
  /** The first version without it. */
  readonly fixedIn?: string;
  /** File that it was found in, below the working directory. */
  readonly path?: string;
  readonly line?: number;
}

const TEXT_CHARS_MAX = 500;

/** As a scanner tells it: what it leaves out or empty is not there. */
type ToldFinding = { readonly [name in keyof Finding]?: Finding[name] | undefined } & Pick<
  Finding,
  'id' | 'severity' | 'source'
>;

export function findingOf(told: ToldFinding): Finding {
  const known = Object.entries(told).filter(([, value]) => value !== undefined && value !== '');
  return {
    ...(Object.fromEntries(known) as unknown as Finding),
    aliases: told.aliases ?? [],
    title: told.title || told.id,
  };
}

/** Each once, the worst first, in the same order on every machine. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  const known = new Map<string, Finding>();
  for (const finding of findings) {
    const key = keyOf(finding);
    const other = known.get(key);
    if (!other || rankOf(other.severity) < rankOf(finding.severity)) known.set(key, finding);
  }
  return [...known]
    .sort(([a, one], [b, other]) => rankOf(other.severity) - rankOf(one.severity) || (a < b ? -1 : 1))
    .map(([, finding]) => finding);
}

function keyOf({ id, packageName, version, path, line }: Finding): string {
  return JSON.stringify([id, packageName ?? '', version ?? '', path ?? '', line ?? 0]);
}

/** `GHSA-… in name@version (critical, fixed in 1.2.3)` */
export function tellFinding({ id, packageName, version, severity, fixedIn, path, line }: Finding): string {
  const place = packageName
    ? `${packageName}${version ? `@${version}` : ''}`
    : `${path ?? '?'}${line ? `:${line}` : ''}`;
  return `${id} in ${place} (${severity}${fixedIn ? `, fixed in ${fixedIn}` : ''})`;
}

/** What stands in a scanner's answer is a stranger's text: one line, not too long. */
export function shortText(value: unknown, fallback = ''): string {
  if (typeof value !== 'string') return fallback;
  const line = value.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return line.length > TEXT_CHARS_MAX ? `${line.slice(0, TEXT_CHARS_MAX - 1).toWellFormed()}…` : line || fallback;
}

/** A list of objects that a report cannot do without. @throws MaestroError SCAN_FAILED where it is something else */
export function reported(value: unknown, scanner: string, expected: string): readonly JsonObject[] {
  if (!Array.isArray(value) || !value.every(isObject)) throw notUnderstood(scanner, expected);
  return value;
}

/** The parts of a list that are objects. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((one): one is JsonObject => isObject(one)) : [];
}

export function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string').map((one) => shortText(one)) : [];
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A scanner that says something else than its format has found nothing out: that is a failure, never "no findings". */
export function notUnderstood(scanner: string, expected: string): MaestroError {
  return new MaestroError('SCAN_FAILED', `expected ${expected} from ${scanner}, got something else`);
}
