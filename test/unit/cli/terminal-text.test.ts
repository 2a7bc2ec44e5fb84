import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, padText, safeJson, safeText, widthOf } from '../../../src/cli/terminal-text.ts';

// oxlint-disable-next-line no-control-regex -- that none is left is the claim
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe('hostile output', () => {
  it.each([
    ['a cursor move', 'a\u001b[2Jb\u001b[10;10Hc', 'abc'],
    ['a window title', 'x\u001b]0;owned\u0007y', 'xy'],
    ['a colour', '\u001b[31mred\u001b[0m', 'red'],
    ['a lone escape', 'a\u001b', 'a␛'],
    ['a bell and a backspace', 'a\u0007b\u0008c', 'a␇b␈c'],
    ['a C1 control', 'a\u0085b', 'a�b'],
    ['a bidirectional override', 'a\u202eb', 'a�b'],
    ['a delete', 'a\u007f', 'a␡'],
    ['a progress bar', '10%\r50%\r100%\r', '100%'],
    ['a tab', 'a\tb', 'a       b'],
    ['a line end', 'a\nb', 'a␊b'],
    ['plain text', 'grün ✓ 日本', 'grün ✓ 日本'],
  ])('is neutralised: %s', (_title, given, expected) => {
    expect(safeText(given)).toBe(expected);
  });

  it('never leaves a control character, whatever it is made of', () => {
    const hostile = fc.array(
      fc.constantFrom('\u001b', '[', ']', '0;', 'H', '\u009b', '\u0007', '\r', 'm', 'a', '\u202e', '\\'),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(hostile, (parts) => {
        expect(safeText(parts.join(''))).not.toMatch(CONTROLS);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(safeText(text)).not.toMatch(CONTROLS);
      }),
    );
  });

  it.each([
    ['titles that never end', '\u001b]0;'.repeat(50_000)],
    ['starts of strings', '\u009d'.repeat(100_000)],
    ['parameters that never end', `\u001b[${';'.repeat(100_000)}`],
    ['starts of sequences', '\u001b['.repeat(50_000)],
    ['tabs', '\t'.repeat(50_000)],
    ['returns', `${'\r'.repeat(100_000)}x`],
  ])('costs little time: %s', (_title, text) => {
    const started = performance.now();
    safeText(text);
    // A quadratic reading of any of these takes seconds.
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('stays the same value in JSON, without a control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = safeJson({ text });
        expect(CONTROLS.test(json)).toBe(false);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

describe('text on a terminal', () => {
  it.each([
    ['abc', 3],
    ['日本', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['✓', 1],
    ['🚀', 2],
  ])('%s takes %i columns', (text, columns) => {
    expect(widthOf(text)).toBe(columns);
  });

  it('is never wider than it was cut to', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, columns) => {
        expect(widthOf(cutText(text, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it('is cut with an ellipsis and filled with spaces', () => {
    expect(cutText('abcdef', 4)).toBe('abc…');
    expect(cutText('日本語', 5)).toBe('日本…');
    expect(padText('日本', 6)).toBe('日本  ');
  });
});
