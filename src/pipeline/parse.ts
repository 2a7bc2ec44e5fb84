import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLParseError,
} from 'yaml';
import { messageOf } from '../base/errors.ts';
import type { Findings, LintCode, Span } from './finding.ts';
import { bareFlowExpressions, maskSpans, unmask } from './flow-expression.ts';
import { ALIASES_MAX, DEPTH_MAX, FILE_BYTES_MAX, NODES_MAX } from './limits.ts';
import { parsePlain } from './parse-plain.ts';
import { type ScalarNode, type SourceEntry, type SourceNode, textOf } from './source.ts';

/**
 * YAML 1.2 or JSON text to values with places. Everything that is wrong goes to `findings`; the answer is what can still
 * be read, so the shape and the meaning of a file with a broken line are checked too.
 */
export function parseSource(text: string, findings: Findings): SourceNode | undefined {
  const refusal = refusalOf(text);
  if (refusal) {
    findings.error(refusal.code, refusal.span, refusal.message);
    return undefined;
  }
  return parsePlain(text) ?? parseFull(text, findings);
}

/** The whole of YAML, through the library. */
export function parseFull(text: string, findings: Findings): SourceNode | undefined {
  const start = { start: 0, end: 0 };
  try {
    const document = readDocument(text, findings);
    if (document.contents) return new Converter(document, findings).convert(document.contents, 0);
    if (document.errors.length === 0) findings.error('yaml-empty', start, 'expected a pipeline, got an empty file');
    return undefined;
  } catch (error) {
    if (error instanceof RangeError)
      findings.error('yaml-too-deep', start, `expected at most ${DEPTH_MAX} levels of values`);
    else if (!(error instanceof Refusal))
      findings.error('yaml-syntax', start, `the file cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}

/** Text without the byte order mark that some editors write. Offsets of findings are those of this text. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

// eslint-disable-next-line no-control-regex
const BINARY = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/;
const YAML_CODES: Readonly<Record<string, LintCode>> = {
  TAB_AS_INDENT: 'yaml-tab',
  MULTIPLE_DOCS: 'yaml-multiple-documents',
};

function refusalOf(text: string): { code: LintCode; span: Span; message: string } | undefined {
  const sizeBytes = text.length > FILE_BYTES_MAX ? text.length : Buffer.byteLength(text);
  if (sizeBytes > FILE_BYTES_MAX) {
    const message = `expected at most ${FILE_BYTES_MAX} bytes, got ${sizeBytes}: split the pipeline, or move scripts into files`;
    return { code: 'file-too-large', span: { start: 0, end: 0 }, message };
  }
  const binary = text.search(BINARY);
  if (binary < 0) return undefined;
  const shown = (text.codePointAt(binary) ?? 0).toString(16).padStart(4, '0');
  return {
    code: 'file-binary',
    span: { start: binary, end: binary + 1 },
    message: `expected text, got the control character U+${shown}`,
  };
}

function readDocument(text: string, findings: Findings): Document {
  const options = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const;
  let document = parseDocument(text, options);
  if (document.errors.length > 0) {
    const bare = bareFlowExpressions(text);
    for (const span of bare)
      findings.error('yaml-flow-expression', span, flowMessage(text.slice(span.start, span.end)));
    if (bare.length > 0) document = parseDocument(maskSpans(text, bare), options);
  }
  for (const error of [...document.errors, ...document.warnings]) reportYaml(error, findings);
  return document;
}

function flowMessage(expression: string): string {
  const quoted = expression.includes('"') ? `'${expression.replaceAll("'", "''")}'` : `"${expression}"`;
  return `a bare \${{ }} inside { } or [ ] is not YAML: quote it, as in ${quoted}`;
}

function reportYaml(error: YAMLParseError, findings: Findings): void {
  const isTooDeep = error.message.startsWith('Maximum call stack');
  if (isTooDeep)
    return findings.error('yaml-too-deep', { start: 0, end: 0 }, `expected at most ${DEPTH_MAX} levels of values`);
  const code = YAML_CODES[error.code] ?? 'yaml-syntax';
  const message = code === 'yaml-tab' ? 'expected spaces as indentation, got a tab' : unmask(error.message);
  findings.error(code, { start: error.pos[0], end: error.pos[1] }, message);
}

class Refusal extends Error {}

class Converter {
  readonly #document: Document;
  readonly #findings: Findings;
  /** Anchored values that were converted, with how many aliases and values they expand to. */
  readonly #anchored = new Map<Node, { node: SourceNode; aliases: number; values: number }>();
  #aliases = 0;
  #values = 0;

  constructor(document: Document, findings: Findings) {
    this.#document = document;
    this.#findings = findings;
  }

  convert(node: Node | null, depth: number): SourceNode {
    if (depth > DEPTH_MAX)
      this.#refuse('yaml-too-deep', spanOf(node), `expected at most ${DEPTH_MAX} levels of values`);
    if (isAlias(node)) return this.#alias(node);
    const before = { aliases: this.#aliases, values: this.#values };
    this.#count(0, 1, node);
    const made = this.#value(node, depth);
    if (node && 'anchor' in node && node.anchor !== undefined) {
      this.#anchored.set(node, {
        node: made,
        aliases: this.#aliases - before.aliases,
        values: this.#values - before.values,
      });
    }
    return made;
  }

  #value(node: Node | null, depth: number): SourceNode {
    const span = spanOf(node);
    if (isMap(node)) return { kind: 'map', ...span, entries: this.#entries(node.items, depth) };
    if (isSeq(node))
      return { kind: 'list', ...span, items: node.items.map((item) => this.convert(item as Node | null, depth + 1)) };
    return this.#scalar(isScalar(node) ? node.value : null, span);
  }

  #scalar(value: unknown, span: Span): ScalarNode {
    if (typeof value === 'string') return { kind: 'scalar', ...span, value: unmask(value) };
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
      return { kind: 'scalar', ...span, value };
    if (value !== null && value !== undefined)
      this.#findings.error(
        'schema-type',
        span,
        `expected a value that JSON has, got ${typeof value === 'number' ? String(value) : typeof value}`,
      );
    return { kind: 'scalar', ...span, value: null };
  }

  #entries(pairs: readonly Pair[], depth: number): ReadonlyMap<string, SourceEntry> {
    const entries = new Map<string, SourceEntry>();
    for (const pair of pairs) {
      const keyNode = isAlias(pair.key) ? this.#alias(pair.key) : pair.key;
      const key = spanOf(pair.key as Node | null);
      const name = isScalar(keyNode) ? String(keyNode.value) : textOf(keyNode as SourceNode);
      const value = this.convert(pair.value as Node | null, depth + 1);
      if (name === undefined || name === '__proto__') this.#findings.error('yaml-key', key, 'expected a name as key');
      else if (entries.has(name))
        this.#findings.error('yaml-duplicate-key', key, `the key "${name}" stands here a second time`);
      else entries.set(name, { key, value: pair.value === null ? { ...value, ...key } : value });
    }
    return entries;
  }

  #alias(node: Node & { source: string; resolve(document: Document): unknown }): SourceNode {
    const target = this.#anchored.get(node.resolve(this.#document) as Node);
    if (!target)
      this.#refuse('yaml-alias', spanOf(node), `the alias *${node.source} stands inside its own value, or before it`);
    this.#count(1 + target.aliases, target.values, node);
    return target.node;
  }

  #count(aliases: number, values: number, node: Node | null): void {
    this.#aliases += aliases;
    this.#values += values;
    if (this.#aliases > ALIASES_MAX)
      this.#refuse('yaml-alias-limit', spanOf(node), `expected at most ${ALIASES_MAX} expanded aliases`);
    if (this.#values > NODES_MAX)
      this.#refuse('yaml-alias-limit', spanOf(node), `expected at most ${NODES_MAX} values after aliases are expanded`);
  }

  #refuse(code: LintCode, span: Span, message: string): never {
    this.#findings.error(code, span, message);
    throw new Refusal(message);
  }
}

function spanOf(node: Node | null): Span {
  const range = node?.range;
  return range ? { start: range[0], end: endOf(node) } : { start: 0, end: 0 };
}

/** A block collection ends where its last value does: the library counts the line break behind it too. */
function endOf(node: Node): number {
  const end = node.range?.[1] ?? 0;
  if (!isCollection(node) || node.flow === true) return end;
  const last: unknown = node.items.at(-1);
  const value = isPair(last) ? (last.value ?? last.key) : last;
  return isNode(value) && value.range ? endOf(value) : end;
}
