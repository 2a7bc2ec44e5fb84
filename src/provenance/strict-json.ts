import { canonicalJson } from '../base/canonical-json.ts';
import type { Json } from '../base/json.ts';
import { demand, VerificationError } from './verification-error.ts';

const JSON_DEPTH_MAX = 200;

/**
 * Parses JSON that all parsers read alike.
 *
 * `JSON.parse` keeps the last of two equal keys, rounds large numbers and takes lone surrogates; another parser may do
 * otherwise, and then signer and reader see different documents. This refuses each such text with its own code. One pass,
 * no recursion: time is linear and depth is bounded before anything recurses.
 */
export function parseStrictJson(bytes: Uint8Array, sizeMax: number): Json {
  return parse(bytes, sizeMax).value;
}

/** Like `parseStrictJson`, and the bytes must be the RFC 8785 form of what they say. */
export function parseCanonicalJson(bytes: Uint8Array, sizeMax: number): Json {
  const { text, value, isOrdered } = parse(bytes, sizeMax);
  // Where keys are in order, Node's own form is the canonical one, unless it moved keys that look like array indexes.
  const isCanonical = isOrdered && (JSON.stringify(value) === text || canonicalJson(value) === text);
  demand(isCanonical, 'JSON_NOT_CANONICAL', 'expected RFC 8785 JSON: sorted keys, no spaces, shortest forms');
  return value;
}

function parse(bytes: Uint8Array, sizeMax: number): { text: string; value: Json; isOrdered: boolean } {
  demand(
    bytes.byteLength <= sizeMax,
    'TOO_LARGE',
    `expected at most ${sizeMax} bytes of JSON, got ${bytes.byteLength}`,
  );
  const text = decodeUtf8(bytes);
  const isOrdered = new Scanner(text).scan();
  return { text, value: JSON.parse(text) as Json, isOrdered };
}

function decodeUtf8(bytes: Uint8Array): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new VerificationError('JSON_FORBIDDEN_CHARACTER', 'expected JSON, got a byte order mark before it');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new VerificationError('JSON_MALFORMED', 'expected UTF-8', { cause });
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What a string holds as it is: no control, quote or backslash. No alternatives, so that a long string does not grow the matcher's stack. */
const PLAIN = /[ !#-[\]-\uffff]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;

/** Keys seen in an open object, and the last of them; null for an open array. */
type Frame = { readonly keys: Set<string>; last: string | undefined } | null;

class Scanner {
  readonly #text: string;
  #at = 0;
  readonly #frames: Frame[] = [];
  #isOrdered = true;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * Loops over values: each either opens a container, or ends one value and whatever ends with it. True where the keys of
   * every object are in RFC 8785 order.
   */
  scan(): boolean {
    for (let isDone = false; !isDone; ) {
      this.#skipSpace();
      const opener = this.#text[this.#at];
      if (opener === '{' || opener === '[') isDone = this.#open(opener === '{') && this.#close();
      else {
        this.#scalar(opener);
        isDone = this.#close();
      }
    }
    this.#skipSpace();
    if (this.#at !== this.#text.length) this.#fail('JSON_MALFORMED', 'text after the JSON value');
    return this.#isOrdered;
  }

  /** True where the container is empty, so that its value has ended. */
  #open(isObject: boolean): boolean {
    this.#at++;
    if (this.#frames.length === JSON_DEPTH_MAX) this.#fail('JSON_TOO_DEEP', `nesting deeper than ${JSON_DEPTH_MAX}`);
    this.#skipSpace();
    if (this.#text[this.#at] === (isObject ? '}' : ']')) {
      this.#at++;
      return true;
    }
    const frame: Frame = isObject ? { keys: new Set(), last: undefined } : null;
    this.#frames.push(frame);
    if (frame) this.#key(frame);
    return false;
  }

  /** After a value: goes on to the next one, or closes containers. True at the end of the whole text. */
  #close(): boolean {
    for (;;) {
      const frame = this.#frames.at(-1);
      if (frame === undefined) return true;
      this.#skipSpace();
      const next = this.#text[this.#at++];
      if (next === ',') {
        if (frame) this.#key(frame);
        return false;
      }
      if (next !== (frame ? '}' : ']')) this.#fail('JSON_MALFORMED', 'neither a comma nor the end of the container');
      this.#frames.pop();
    }
  }

  #key(frame: NonNullable<Frame>): void {
    this.#skipSpace();
    if (this.#text[this.#at] !== '"') this.#fail('JSON_MALFORMED', 'no key in quotes');
    const key = this.#string();
    if (frame.keys.has(key))
      this.#fail('JSON_DUPLICATE_KEY', `the key ${JSON.stringify(key).slice(0, 80)} twice in one object`);
    if (key === '__proto__') this.#fail('JSON_FORBIDDEN_KEY', 'the key __proto__');
    frame.keys.add(key);
    if (frame.last !== undefined && key < frame.last) this.#isOrdered = false;
    frame.last = key;
    this.#skipSpace();
    if (this.#text[this.#at++] !== ':') this.#fail('JSON_MALFORMED', 'no colon after a key');
  }

  #scalar(first: string | undefined): void {
    if (first === '"') this.#string();
    else if (first === '-' || (first !== undefined && first >= '0' && first <= '9')) this.#number();
    else if (this.#match(WORD) === undefined) this.#fail('JSON_MALFORMED', 'no JSON value');
  }

  #number(): void {
    const literal = this.#match(NUMBER);
    if (literal === undefined) this.#fail('JSON_MALFORMED', 'a broken number');
    if (Math.abs(Number(literal)) > Number.MAX_SAFE_INTEGER) {
      this.#fail('JSON_NUMBER_UNSAFE', 'a number beyond 2^53 - 1, which parsers round differently');
    }
  }

  /** The string's value. */
  #string(): string {
    const start = this.#at++;
    let hasEscape = false;
    for (;;) {
      PLAIN.lastIndex = this.#at;
      PLAIN.test(this.#text);
      this.#at = PLAIN.lastIndex;
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === QUOTE) break;
      if (unit === 0) this.#fail('JSON_FORBIDDEN_CHARACTER', 'NUL in a string');
      if (unit !== BACKSLASH) this.#fail('JSON_MALFORMED', 'a string that does not end');
      hasEscape = true;
      this.#at = Math.min(this.#at + 2, this.#text.length);
    }
    this.#at++;
    return hasEscape ? this.#unescape(start) : this.#text.slice(start + 1, this.#at - 1);
  }

  #unescape(start: number): string {
    let value: string;
    try {
      value = JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      return this.#fail('JSON_MALFORMED', 'a broken escape');
    }
    if (!value.isWellFormed()) this.#fail('JSON_FORBIDDEN_CHARACTER', 'a lone surrogate');
    if (value.includes('\0')) this.#fail('JSON_FORBIDDEN_CHARACTER', 'NUL in a string');
    return value;
  }

  #skipSpace(): void {
    const unit = this.#text.charCodeAt(this.#at);
    if (unit <= 0x20) this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }

  #fail(code: VerificationError['code'], what: string): never {
    throw new VerificationError(code, `expected plain JSON, got ${what} at character ${this.#at}`);
  }
}
