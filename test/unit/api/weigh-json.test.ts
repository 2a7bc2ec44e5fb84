import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { weighJson } from '../../../src/api/weigh-json.ts';

const weigh = (value: unknown) => weighJson(Buffer.from(JSON.stringify(value)));

it('JSON never holds more values, or nests deeper, than its text was counted to', () => {
  const sizeOf = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? Object.values(value).reduce((n: number, one) => n + sizeOf(one), 1)
      : 1;
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const { values, depth } = weigh(value);
      expect(values).toBeGreaterThanOrEqual(sizeOf(value));
      expect(values).toBeLessThanOrEqual(2 * sizeOf(value));
      expect(depth).toBe(depthOf(value));
    }),
  );
});

it.each([
  ['a string that looks like JSON', '{"a":"[[{,,\\"[[\\\\"}', { values: 2, depth: 1 }],
  ['a string without end', '["[[[', { values: 2, depth: 1 }],
  ['nothing', '', { values: 1, depth: 0 }],
])('%s is counted as it is', (_case, text, weight) => {
  expect(weighJson(Buffer.from(text))).toEqual(weight);
});
