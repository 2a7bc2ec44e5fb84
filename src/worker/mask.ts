import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { meaningfulBytes, secretForms } from '../base/secret-forms.ts';
import { Needles } from './needles.ts';

/** What stands in the place of a secret. */
const MASK = '***';
/** Values that one attempt may add, and bytes of all their forms: what a step prints must not fill the worker's memory. */
export const MASKS_MAX = 500;
const NEEDLE_BYTES_MAX = 8_388_608;
/** Shorter secrets are not masked: they would hit innocent text everywhere, which tells what they are. */
export const SECRET_BYTES_MIN = 3;
/** As `SECRET_BYTES_MIN`, for values that a step adds. */
export const ADDED_BYTES_MIN = 4;

const MASK_BYTES = Buffer.from(MASK);
const EMPTY = Buffer.alloc(0);

/**
 * The secret values of one attempt: makes masking streams and masks single texts.
 *
 * Secrets that the pipeline declares are given to the constructor, and values that the step adds while it runs to `add`.
 */
export class Masker {
  readonly #forms = new Set<string>();
  readonly #declared: readonly string[];
  /** Knows only what was declared, from the first added value on. */
  #declaredOnly: Masker | undefined;
  #values = 0;
  #bytes = 0;
  #needles = new Needles([]);
  #isStale = false;

  constructor(values: Iterable<string> = []) {
    this.#declared = [...values].filter((value) => meaningfulBytes(value) >= SECRET_BYTES_MIN);
    for (const value of this.#declared) this.#addForms(value);
  }

  /** `too many`: the limit is reached, so that the value would go unmasked. `too short`: it is ignored. */
  add(value: string): 'added' | 'too many' | 'too short' {
    if (this.#forms.has(value)) return 'added';
    if (meaningfulBytes(value) < ADDED_BYTES_MIN) return 'too short';
    if (this.#values >= MASKS_MAX || this.#bytes >= NEEDLE_BYTES_MAX) return 'too many';
    this.#declaredOnly ??= new Masker(this.#declared);
    this.#values++;
    this.#addForms(value);
    return 'added';
  }

  /** Masks the declared secrets alone, as of now: ask again after values were added. */
  get secrets(): Masker {
    return this.#declaredOnly ?? this;
  }

  get needles(): Needles {
    if (this.#isStale) {
      this.#isStale = false;
      this.#needles = new Needles(Array.from(this.#forms, (form) => Buffer.from(form)));
    }
    return this.#needles;
  }

  maskText(text: string): string {
    if (this.#forms.size === 0 || text === '') return text;
    const stream = new MaskStream(this);
    return Buffer.concat([stream.write(Buffer.from(text)), stream.end()]).toString('utf8');
  }

  /**
   * Masks every text of a JSON value. Keys and numbers, which hold its structure together, are masked for declared secrets
   * alone. `isMasked` says whether anything was found.
   */
  maskJson(value: JsonObject): { readonly value: JsonObject; readonly isMasked: boolean } {
    const { secrets } = this;
    let isMasked = false;
    const text = (plain: string, masker: Masker = this): string => {
      const masked = masker.maskText(plain);
      if (masked !== plain) isMasked = true;
      return masked;
    };
    const visit = (part: Json): Json => {
      if (typeof part === 'string') return text(part);
      if (isJsonObject(part)) return visitObject(part);
      if (Array.isArray(part)) return part.map(visit);
      // A secret of digits alone is the same secret as a number.
      if (typeof part === 'number' && secrets.#forms.has(String(part))) return text(String(part), secrets);
      return part;
    };
    const visitObject = (part: JsonObject): JsonObject =>
      Object.fromEntries(Object.entries(part).map(([key, item]) => [text(key, secrets), visit(item)]));
    return { value: visitObject(value), isMasked };
  }

  #addForms(value: string): void {
    for (const form of secretForms(value)) {
      if (this.#forms.has(form)) continue;
      this.#forms.add(form);
      this.#bytes += Buffer.byteLength(form);
      this.#isStale = true;
    }
  }
}

interface Range {
  start: number;
  end: number;
}

/**
 * Masks a stream of bytes, whatever its chunks are: bytes that may still become a secret are held back.
 *
 * Secrets that overlap or touch become one mask. Time is linear in the input.
 */
export class MaskStream {
  readonly #masker: Masker;
  #needles: Needles;
  /** After reading all that is held. */
  #state = 0;
  /** Read but not yet given out. */
  #held: Buffer = EMPTY;
  /** Secrets within what is held, in order, apart from each other. */
  #ranges: Range[] = [];
  /** The first range continues a mask that was given out already. */
  #isWithinMask = false;

  constructor(masker: Masker) {
    this.#masker = masker;
    this.#needles = masker.needles;
  }

  write(chunk: Buffer): Buffer {
    let from = this.#held.length;
    if (this.#needles !== this.#masker.needles) {
      // New secrets: what is held back is read again, because it may be the beginning of one of them.
      this.#needles = this.#masker.needles;
      this.#state = 0;
      from = 0;
    }
    if (this.#needles.count === 0) return chunk;
    const input = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#find(input, from);
    // No needle that ends later begins before the part that the automaton remembers.
    return this.#giveOut(input, input.length - this.#needles.depth(this.#state));
  }

  end(): Buffer {
    this.#state = 0;
    return this.#giveOut(this.#held, this.#held.length);
  }

  #find(input: Buffer, from: number): void {
    const ranges = this.#ranges;
    for (let at = from; at < input.length; ) {
      const hit = this.#needles.scan(input, at, this.#state);
      this.#state = hit.state;
      at = hit.at;
      if (hit.length === 0) return;
      const range: Range = { start: hit.at - hit.length, end: hit.at };
      for (let last = ranges.at(-1); last && last.end >= range.start; last = ranges.at(-1)) {
        range.start = Math.min(range.start, last.start);
        range.end = Math.max(range.end, last.end);
        ranges.pop();
      }
      ranges.push(range);
    }
  }

  #giveOut(input: Buffer, until: number): Buffer {
    const out: Buffer[] = [];
    let done = 0;
    let used = 0;
    for (const { start, end } of this.#ranges) {
      if (start >= until && !(start === 0 && this.#isWithinMask)) break;
      if (start > done) out.push(input.subarray(done, start));
      if (!(start === 0 && this.#isWithinMask)) out.push(MASK_BYTES);
      done = Math.min(end, until);
      used++;
    }
    const last = this.#ranges[used - 1];
    const isWithinMask = last !== undefined && last.end >= until;
    if (done < until) out.push(input.subarray(done, until));
    const rest = this.#ranges.slice(used).map(({ start, end }) => ({ start: start - until, end: end - until }));
    this.#ranges = isWithinMask ? [{ start: 0, end: last.end - until }, ...rest] : rest;
    this.#isWithinMask = isWithinMask;
    this.#held = input.subarray(until);
    return out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out);
  }
}
