import { DEPTH_MAX } from './limits.ts';
import type { SourceEntry, SourceNode } from './source.ts';

/**
 * Reads the plain part of YAML that most pipelines are written in: block maps and lists, one-line scalars, `|` texts, one-line
 * flow collections. Answers undefined as soon as anything else comes, and the `yaml` library reads the file instead.
 *
 * It exists because `yaml` needs 0.6 s for a pipeline of 10,000 steps and this needs 0.03 s; a property test holds the
 * two to the same values and places.
 */
export function parsePlain(text: string): SourceNode | undefined {
  try {
    const lines = linesOf(text);
    const [first] = lines;
    if (first?.indent !== 0) return undefined;
    const reader = new PlainReader(text, lines);
    const root = reader.block(0, 0);
    return reader.isAtEnd ? root : undefined;
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

class NotPlain extends Error {}

const NOT_PLAIN = new NotPlain();

function notPlain(): never {
  throw NOT_PLAIN;
}

interface Line {
  /** Offset of the first character that is not a space. */
  readonly start: number;
  /** Offset after the last character that is not a space. */
  readonly end: number;
  readonly indent: number;
}

/** Lines with content. Comments are allowed on lines of their own. */
function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    let end = newline < 0 ? text.length : newline;
    const next = end + 1;
    let start = from;
    while (start < end && text[start] === ' ') start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    if (start < end && text[start] !== '#') lines.push({ start, end, indent: start - from });
    from = next;
  }
  return lines;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0d;
}

const KEY = /([A-Za-z_][A-Za-z0-9_-]*):(?: +|(?=[\r\n])|$)/y;
const FLOW_KEY = /([A-Za-z_][A-Za-z0-9_-]*): +/y;
/** Inside brackets the plain texts are few, so that none can hold an indicator. */
const FLOW_WORD = /[A-Za-z0-9_./][A-Za-z0-9_./@-]*/y;
const FLOW_SPACE = / */y;
const SINGLE = /'((?:[^'\n]|'')*)'/y;
const DOUBLE = /"([^"\\\n]*)"/y;
/** Indicators that start something else than a plain text, a `-`, `?` or `:` that may, marks of documents. */
const NOT_WORD = /^[[\]{},#&*!|>'"%@`?:-]/;
const NUMBER = /^(?:0|[1-9][0-9]{0,14})$/;
/** Looks like a number, an infinity or a word that the core schema reads: left to the library. */
const OTHER_VALUE = /^[-+.]?[0-9][0-9.eExXoOa-fA-F+-]*$|^[-+]?\.(?:inf|nan|[0-9].*)$|^(?:~|null|true|false)$/i;
const VALUES: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

class PlainReader {
  readonly #text: string;
  readonly #lines: readonly Line[];
  #at = 0;

  constructor(text: string, lines: readonly Line[]) {
    this.#text = text;
    this.#lines = lines;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#lines.length;
  }

  /** The map or list whose lines stand at `indent`. */
  block(indent: number, depth: number): SourceNode {
    if (depth > DEPTH_MAX) notPlain();
    const line = this.#line();
    return this.#isItem(line) ? this.#list(indent, depth) : this.#map(line.start, indent, depth);
  }

  #list(indent: number, depth: number): SourceNode {
    const items: SourceNode[] = [];
    const { start } = this.#line();
    for (let line = this.#peek(); line?.indent === indent && this.#isItem(line); line = this.#peek()) {
      let content = line.start + 1;
      while (this.#text[content] === ' ') content++;
      if (content >= line.end) notPlain();
      items.push(this.#item(content, indent + content - line.start, depth + 1));
    }
    const next = this.#peek();
    if (next && next.indent > indent) notPlain();
    return { kind: 'list', start, end: this.#endOf(items.at(-1)), items };
  }

  #item(content: number, indent: number, depth: number): SourceNode {
    KEY.lastIndex = content;
    if (KEY.test(this.#text)) return this.#map(content, indent, depth);
    return this.#inline(content, indent, depth);
  }

  /** `content` is where its first key stands, which may be behind a `- `. */
  #map(content: number, indent: number, depth: number): SourceNode {
    if (depth > DEPTH_MAX) notPlain();
    const entries = new Map<string, SourceEntry>();
    let start = content;
    let value: SourceNode | undefined;
    for (let line: Line | undefined = this.#line(); line; line = this.#peek()) {
      if (start < 0) {
        if (line.indent < indent) break;
        if (line.indent > indent || this.#isItem(line)) notPlain();
        start = line.start;
      }
      KEY.lastIndex = start;
      const name = KEY.exec(this.#text)?.[1];
      if (name === undefined || entries.has(name) || name === '__proto__') notPlain();
      const after = KEY.lastIndex;
      value = after < line.end ? this.#inline(after, indent, depth + 1) : this.#nested(indent, depth + 1);
      entries.set(name, { key: { start, end: start + name.length }, value });
      start = -1;
    }
    return { kind: 'map', start: content, end: this.#endOf(value), entries };
  }

  /** The value on the lines after a key: deeper, or a list at the key's own indent. */
  #nested(indent: number, depth: number): SourceNode {
    this.#at++;
    const line = this.#line();
    if (line.indent > indent) return this.block(line.indent, depth);
    return line.indent === indent && this.#isItem(line) ? this.#listOfKey(indent, depth) : notPlain();
  }

  #listOfKey(indent: number, depth: number): SourceNode {
    if (depth > DEPTH_MAX) notPlain();
    return this.#list(indent, depth);
  }

  /** A value that ends on its line. A deeper line after it would continue it. */
  #inline(from: number, indent: number, depth: number): SourceNode {
    const { end } = this.#line();
    if (this.#text[from] === '|' && from + 1 === end) return this.#literal(from, indent);
    this.#at++;
    const next = this.#peek();
    if (next && next.indent > indent) notPlain();
    const first = this.#text[from];
    if (first === '[' || first === '{' || first === '"' || first === "'") {
      const node = this.#flow(from, end, depth);
      return node.end === end ? node : notPlain();
    }
    return { kind: 'scalar', start: from, end, value: plainValue(this.#text.slice(from, end)) };
  }

  /** The lines of a `|` text, which are deeper than `indent`. */
  #literal(from: number, indent: number): SourceNode {
    const kept: string[] = [];
    const first = this.#afterNewline(from);
    const depth = this.#rawLine(first).search(/[^ ]/);
    if (depth <= indent) notPlain();
    let end = first;
    for (let at = first; at < this.#text.length; at = this.#afterNewline(at)) {
      const line = this.#rawLine(at);
      const column = line.search(/[^ ]/);
      if (column >= 0 && column < depth) break;
      kept.push(line.slice(depth));
      if (column >= 0) end = this.#afterNewline(at);
    }
    while (kept.at(-1) === '') kept.pop();
    while ((this.#peek()?.start ?? end) < end) this.#at++;
    return { kind: 'scalar', start: from, end, value: `${kept.join('\n')}\n` };
  }

  /** A line with its indent; blank lines with spaces and other line ends need more rules than are kept here. */
  #rawLine(from: number): string {
    const line = this.#text.slice(from, this.#afterNewline(from) - 1);
    return line.includes('\r') || (line !== '' && line.trim() === '') ? notPlain() : line;
  }

  #afterNewline(from: number): number {
    const newline = this.#text.indexOf('\n', from);
    return newline < 0 ? notPlain() : newline + 1;
  }

  #flow(from: number, end: number, depth: number): SourceNode {
    if (depth > DEPTH_MAX) notPlain();
    const first = this.#text[from];
    if (first === '[') return this.#flowList(from, end, depth);
    if (first === '{') return this.#flowMap(from, end, depth);
    if (first === '"') return this.#quoted(DOUBLE, from, (text) => text);
    if (first === "'") return this.#quoted(SINGLE, from, (text) => text.replaceAll("''", "'"));
    const word = this.#match(FLOW_WORD, from);
    return { kind: 'scalar', start: from, end: from + word.length, value: plainValue(word) };
  }

  #quoted(pattern: RegExp, from: number, read: (text: string) => string): SourceNode {
    pattern.lastIndex = from;
    const match = pattern.exec(this.#text) ?? notPlain();
    return { kind: 'scalar', start: from, end: from + match[0].length, value: read(match[1] ?? '') };
  }

  #flowList(from: number, end: number, depth: number): SourceNode {
    const items: SourceNode[] = [];
    const close = this.#flowItems(from, end, ']', (at) => {
      const item = this.#flow(at, end, depth + 1);
      items.push(item);
      return item.end;
    });
    return { kind: 'list', start: from, end: close, items };
  }

  #flowMap(from: number, end: number, depth: number): SourceNode {
    const entries = new Map<string, SourceEntry>();
    const close = this.#flowItems(from, end, '}', (at) => {
      FLOW_KEY.lastIndex = at;
      const name = FLOW_KEY.exec(this.#text)?.[1];
      if (name === undefined || entries.has(name) || name === '__proto__') notPlain();
      const value = this.#flow(FLOW_KEY.lastIndex, end, depth + 1);
      entries.set(name, { key: { start: at, end: at + name.length }, value });
      return value.end;
    });
    return { kind: 'map', start: from, end: close, entries };
  }

  /** Reads items between brackets with single commas; answers the offset after the closing one. */
  #flowItems(from: number, end: number, close: string, read: (at: number) => number): number {
    let at = this.#afterSpace(from + 1);
    if (this.#text[at] === close) return at + 1;
    while (at < end) {
      at = this.#afterSpace(read(at));
      if (this.#text[at] === close) return at + 1;
      if (this.#text[at] !== ',' || this.#text[at + 1] !== ' ') notPlain();
      at = this.#afterSpace(at + 1);
    }
    return notPlain();
  }

  #afterSpace(from: number): number {
    return from + this.#match(FLOW_SPACE, from).length;
  }

  #match(pattern: RegExp, from: number): string {
    pattern.lastIndex = from;
    return pattern.exec(this.#text)?.[0] ?? notPlain();
  }

  #isItem({ start, end }: Line): boolean {
    return this.#text[start] === '-' && (start + 1 >= end || this.#text[start + 1] === ' ');
  }

  #endOf(last: SourceNode | undefined): number {
    return last?.end ?? notPlain();
  }

  #peek(): Line | undefined {
    return this.#lines[this.#at];
  }

  #line(): Line {
    return this.#lines[this.#at] ?? notPlain();
  }
}

/** What the core schema makes of an unquoted text. */
function plainValue(text: string): string | number | boolean | null {
  const value = VALUES.get(text);
  if (value !== undefined) return value;
  if (NUMBER.test(text)) return Number(text);
  const isOther = NOT_WORD.test(text) || OTHER_VALUE.test(text);
  if (isOther || text.includes(': ') || text.includes(' #') || text.endsWith(':') || text.includes('\t')) notPlain();
  return text;
}
