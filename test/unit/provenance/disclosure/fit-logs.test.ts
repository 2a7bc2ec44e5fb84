import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitLogs } from '../../../../src/provenance/disclosure/fit-logs.ts';

const logs = (...texts: string[]) => texts.map((text) => ({ text, bytesBefore: 0 }));

describe('logs that must fit', () => {
  it('stay whole where there is room', () => {
    expect(fitLogs(logs('a\n', 'b\n'), 4)).toEqual(logs('a\n', 'b\n'));
  });

  it('lose their beginning, by whole lines, the long ones first', () => {
    expect(fitLogs(logs('short\n', 'one\ntwo\nthree\n'), 16)).toEqual([
      { text: 'short\n', bytesBefore: 0 },
      { text: 'three\n', bytesBefore: 8 },
    ]);
  });

  it('are never more than fits, end as they ended, and say what is missing', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 60 })), fc.nat(100), (texts, bytesMax) => {
        const fitted = fitLogs(logs(...texts), bytesMax);
        expect(fitted.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)).toBeLessThanOrEqual(bytesMax);
        for (const [i, { text, bytesBefore }] of fitted.entries())
          expect(
            Buffer.from(texts[i] ?? '')
              .subarray(bytesBefore)
              .toString(),
          ).toBe(text);
      }),
    );
  });
});
