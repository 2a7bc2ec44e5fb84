import { XMLParser } from 'fast-xml-parser';
import type { JsonObject } from '../../base/json.ts';
import type { Annotation } from '../../protocol/outcome.ts';
import { isFailure, isSuppressed, SarifRules } from '../../steps/security/sarif-rules.ts';

/** Larger reports are kept as artifacts but not read. */
export const REPORT_BYTES_MAX = 16_777_216;

type Node = Readonly<Record<string, unknown>>;

/** Whether a file is a report by its name: SARIF, or XML that may be JUnit's. */
export function isReportName(path: string): boolean {
  return /\.(sarif|sarif\.json|xml)$/i.test(path);
}

/** The remarks of a report; empty where the text is not a report after all. */
export function readReport(path: string, text: string): readonly Annotation[] {
  return /\.xml$/i.test(path) ? readJunit(text) : readSarif(text);
}

const SARIF_LEVELS: Readonly<Record<string, Annotation['level']>> = {
  error: 'failure',
  warning: 'warning',
  note: 'notice',
};

/** @source https://docs.oasis-open.org/sarif/sarif/v2.1.0/ */
function readSarif(text: string): readonly Annotation[] {
  let log: unknown;
  try {
    log = JSON.parse(text);
  } catch {
    return [];
  }
  return nodes(node(log)?.runs).flatMap((run) => {
    const rules = new SarifRules(run as JsonObject);
    return nodes(run.results).flatMap((result) => sarifResult(result as JsonObject, rules));
  });
}

function sarifResult(result: JsonObject, rules: SarifRules): readonly Annotation[] {
  const message = node(result.message)?.text;
  const level = sarifLevel(result.level ?? rules.levelOf(result));
  if (typeof message !== 'string' || !level || !isFailure(result) || isSuppressed(result)) return [];
  const title = typeof result.ruleId === 'string' ? { title: result.ruleId } : {};
  return [{ level, message, ...title, ...sarifPlace(node(nodes(result.locations)[0]?.physicalLocation)) }];
}

/** `none` is for results that are no problem; of a result without a level, and without a rule that has one, it is warning. */
function sarifLevel(level: unknown): Annotation['level'] | undefined {
  if (level === undefined) return 'warning';
  return typeof level === 'string' ? SARIF_LEVELS[level] : undefined;
}

function sarifPlace(place: Node | undefined): Pick<Annotation, 'path'> {
  const uri = node(place?.artifactLocation)?.uri;
  const { startLine, endLine = startLine, startColumn, endColumn } = node(place?.region) ?? {};
  return typeof uri === 'string'
    ? { path: pathOfUri(uri), ...numbers({ startLine, endLine, startColumn, endColumn }) }
    : {};
}

function pathOfUri(uri: string): string {
  const path = uri.startsWith('file:') ? uri.replace(/^file:(\/\/[^/]*)?/, '') : uri;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

// Entities are not expanded by the parser, so a document cannot make itself larger than it is.
const xml = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  isArray: (name) => ['testsuite', 'testcase', 'failure', 'error'].includes(name),
});

function readJunit(text: string): readonly Annotation[] {
  let document: Node | undefined;
  try {
    document = node(xml.parse(text));
  } catch {
    return [];
  }
  const annotations: Annotation[] = [];
  const open = [...nodes(document?.testsuite), ...nodes(node(document?.testsuites)?.testsuite)];
  for (let suite = open.pop(); suite; suite = open.pop()) {
    open.push(...nodes(suite.testsuite));
    for (const testCase of nodes(suite.testcase)) annotations.push(...junitProblems(testCase, suite));
  }
  return annotations;
}

function junitProblems(testCase: Node, suite: Node): readonly Annotation[] {
  const title = [testCase['@classname'], testCase['@name']].filter((part) => typeof part === 'string').join(' > ');
  const path = testCase['@file'] ?? suite['@file'];
  const line = typeof testCase['@line'] === 'string' ? Number(testCase['@line']) : undefined;
  return [...list(testCase.failure), ...list(testCase.error)].map((problem) => {
    const detail = node(problem);
    const text = detail
      ? [detail['@message'], detail['#text']].filter((part) => typeof part === 'string').join('\n')
      : String(problem);
    return {
      level: 'failure',
      message: decodeEntities(text.trim()) || 'failed',
      ...(title ? { title: decodeEntities(title) } : {}),
      ...(typeof path === 'string'
        ? { path: decodeEntities(path), ...numbers({ startLine: line, endLine: line }) }
        : {}),
    };
  });
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi,
    (whole, name: string | undefined, decimal: string | undefined, hex: string | undefined) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

function numbers(given: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1])),
  );
}

function node(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : undefined;
}

function nodes(value: unknown): readonly Node[] {
  return list(value)
    .map(node)
    .filter((item) => item !== undefined);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null || value === '' ? [] : [value];
}
