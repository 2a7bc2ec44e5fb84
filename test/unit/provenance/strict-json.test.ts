import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import type { Json } from '../../../src/base/json.ts';
import { parseCanonicalJson, parseStrictJson } from '../../../src/provenance/strict-json.ts';
import { VerificationError } from '../../../src/provenance/verification-error.ts';
import { codeOf } from './refusal.ts';

const SIZE_MAX = 16 * 1024 * 1024;
const parse = (text: string | Uint8Array) => parseStrictJson(Buffer.from(text as string), SIZE_MAX);

describe('strict JSON', () => {
  it.each([
    ['a duplicate key', '{"a":1,"a":1}', 'JSON_DUPLICATE_KEY'],
    ['a duplicate key deep inside', '[{"x":{"a":1,"b":[{"c":1,"c":2}]}}]', 'JSON_DUPLICATE_KEY'],
    ['a duplicate key in another spelling', '{"a":1,"\\u0061":2}', 'JSON_DUPLICATE_KEY'],
    ['a byte order mark', '\uFEFF{}', 'JSON_FORBIDDEN_CHARACTER'],
    ['a lone surrogate', '"\\ud800"', 'JSON_FORBIDDEN_CHARACTER'],
    ['a lone surrogate in a key', '{"\\udc00":1}', 'JSON_FORBIDDEN_CHARACTER'],
    ['surrogates the wrong way round', '"\\udc00\\ud800"', 'JSON_FORBIDDEN_CHARACTER'],
    ['NUL', '"a\\u0000b"', 'JSON_FORBIDDEN_CHARACTER'],
    ['NUL as it is', '"a\0b"', 'JSON_FORBIDDEN_CHARACTER'],
    ['__proto__', '{"__proto__":{"isAdmin":true}}', 'JSON_FORBIDDEN_KEY'],
    ['__proto__ in another spelling', '{"\\u005f_proto__":1}', 'JSON_FORBIDDEN_KEY'],
    ['2^53', '9007199254740992', 'JSON_NUMBER_UNSAFE'],
    ['2^53 + 1', '[9007199254740993]', 'JSON_NUMBER_UNSAFE'],
    ['a huge number', '{"a":1e400}', 'JSON_NUMBER_UNSAFE'],
    ['a very negative number', '-9007199254740992', 'JSON_NUMBER_UNSAFE'],
    ['a depth of 201', '['.repeat(201) + ']'.repeat(201), 'JSON_TOO_DEEP'],
    ['a depth of 20,000', '['.repeat(20_000) + ']'.repeat(20_000), 'JSON_TOO_DEEP'],
    ['a depth of 20,000 objects', '{"a":'.repeat(20_000), 'JSON_TOO_DEEP'],
    ['nothing', '', 'JSON_MALFORMED'],
    ['two values', '{} {}', 'JSON_MALFORMED'],
    ['a trailing comma', '[1,]', 'JSON_MALFORMED'],
    ['a trailing comma in an object', '{"a":1,}', 'JSON_MALFORMED'],
    ['a missing colon', '{"a" 1}', 'JSON_MALFORMED'],
    ['crossed brackets', '[{]}', 'JSON_MALFORMED'],
    ['a comment', '/* */ 1', 'JSON_MALFORMED'],
    ['NaN', 'NaN', 'JSON_MALFORMED'],
    ['a leading zero', '01', 'JSON_MALFORMED'],
    ['a string without end', '"abc', 'JSON_MALFORMED'],
    ['an escape at the end', '"\\', 'JSON_MALFORMED'],
    ['an escape at the end, inside', '["x","\\', 'JSON_MALFORMED'],
    ['an unknown escape', '"\\x"', 'JSON_MALFORMED'],
    ['a line break in a string', '"a\nb"', 'JSON_MALFORMED'],
    ['a line break behind a backslash', '"a\\\nb"', 'JSON_MALFORMED'],
  ])('refuses %s', (_what, text, code) => {
    expect(codeOf(() => parse(text))).toBe(code);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(codeOf(() => parse(Uint8Array.of(0x22, 0xc3, 0x28, 0x22)))).toBe('JSON_MALFORMED');
  });

  it('refuses more bytes than allowed before it looks at them', () => {
    expect(codeOf(() => parseStrictJson(Buffer.alloc(SIZE_MAX + 1, '['), SIZE_MAX))).toBe('TOO_LARGE');
  });

  it('takes a depth of 200, the largest safe integer and an escaped pair', () => {
    expect(parse(`${'['.repeat(200)}1${']'.repeat(200)}`)).toBeDefined();
    expect(parse('[9007199254740991, "\\ud83d\\ude00", "\\\\ud800"]')).toEqual([
      9_007_199_254_740_991,
      '😀',
      '\\ud800',
    ]);
  });

  it('agrees with JSON.parse on whatever it takes, and refuses whatever that refuses', () => {
    const tokens = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\',
      '0',
      '1',
      '-',
      '+',
      '.',
      'e',
      'true',
      'null',
      ' ',
      '\n',
      '"a"',
    ];
    const soup = fc.string({ unit: fc.constantFrom(...tokens), maxLength: 12 });
    const stricter = ['JSON_NUMBER_UNSAFE', 'JSON_DUPLICATE_KEY', 'JSON_FORBIDDEN_KEY', 'JSON_FORBIDDEN_CHARACTER'];
    fc.assert(
      fc.property(fc.oneof(soup, fc.json({ stringUnit: 'binary' })), (text) => {
        const lenient = attempt(() => JSON.parse(text) as Json);
        const strict = attempt(() => parse(text));
        const isJustStricter = strict.code !== undefined && stricter.includes(strict.code);
        expect(isJustStricter || isDeepStrictEqual(strict.value, lenient.value)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('canonical JSON', () => {
  it('is taken in its one form', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = canonicalOf(value as Json);
        if (text === undefined || codeOf(() => parse(text)) !== undefined) return;
        expect(parseCanonicalJson(Buffer.from(text), SIZE_MAX)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['a space', '{"a": 1}'],
    ['a line break at the end', '{"a":1}\n'],
    ['keys out of order', '{"b":1,"a":2}'],
    ['keys in numeric order', '{"9":1,"10":2}'],
    ['a number in a longer form', '[1.0]'],
    ['a number with an exponent', '[1e2]'],
    ['minus zero', '[-0]'],
    ['an escape without need', '"\\u0061"'],
    ['an upper-case escape', '"\\u001F"'],
    ['an escaped slash', '"\\/"'],
  ])('is refused with %s', (_what, text) => {
    expect(codeOf(() => parseCanonicalJson(Buffer.from(text), SIZE_MAX))).toBe('JSON_NOT_CANONICAL');
  });

  it('is taken with keys that look like array indexes, which engines reorder', () => {
    expect(parseCanonicalJson(Buffer.from('{"10":1,"9":2}'), SIZE_MAX)).toEqual({ 9: 2, 10: 1 });
  });
});

function canonicalOf(value: Json): string | undefined {
  try {
    return canonicalJson(value);
  } catch {
    return undefined;
  }
}

function attempt(read: () => Json): { value?: Json; code?: string } {
  try {
    return { value: read() };
  } catch (error) {
    return error instanceof VerificationError ? { code: error.code } : {};
  }
}
