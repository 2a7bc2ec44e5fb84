import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { failureOf } from '../../../../src/github/report/github-failure.ts';
import { WriteBudget } from '../../../../src/github/report/write-budget.ts';

const MINUTE_MS = 60_000;

it('a budget never gives an installation what GitHub counts as too much, in any minute and any hour', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 600, maxLength: 1500 }), (pauses) => {
      const budget = new WriteBudget();
      const taken: number[] = [];
      let nowMs = 0;
      for (const pause of pauses) {
        nowMs += pause % 7 === 0 ? pause : pause % 50;
        const waitMs = budget.take(1, nowMs);
        if (waitMs === 0) taken.push(nowMs);
        else nowMs += waitMs;
      }
      const most = (spanMs: number): number =>
        Math.max(...taken.map((end) => taken.filter((one) => one > end - spanMs && one <= end).length));
      expect(most(MINUTE_MS)).toBeLessThan(80);
      expect(most(60 * MINUTE_MS)).toBeLessThan(500);
    }),
    { numRuns: 20 },
  );
});

it('a budget that is empty says when there is a write again, and is no other installation’s', () => {
  const budget = new WriteBudget();
  let waitMs = 0;
  while (waitMs === 0) waitMs = budget.take(1, 0);
  expect(budget.take(2, 0)).toBe(0);
  expect(budget.take(1, waitMs)).toBe(0);
});

const failed = (status: number, headers: Record<string, string> = {}, message = 'no') =>
  Object.assign(new Error(message), { status, response: { headers } });

it.each([
  [failed(429, { 'retry-after': '7' }), { type: 'limited', waitMs: 7000 }],
  [failed(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '90' }), { type: 'limited', waitMs: 80_000 }],
  [failed(403, {}, 'You have exceeded a secondary rate limit'), { type: 'limited', waitMs: 60_000 }],
  [failed(403, { 'retry-after': '999999' }), { type: 'limited', waitMs: 3_600_000 }],
  [failed(403, {}, 'Resource not accessible by integration'), { type: 'refused' }],
  [failed(404), { type: 'missing' }],
  [failed(410), { type: 'missing' }],
  [failed(422), { type: 'refused' }],
  [failed(500), { type: 'unsure' }],
  [failed(401), { type: 'unsure' }],
  [Object.assign(new Error('socket hang up'), { status: 500 }), { type: 'unsure' }],
  ['nothing', { type: 'unsure' }],
])('failure %#: %o', (error, expected) => {
  expect(failureOf(error, 10_000)).toMatchObject(expected);
});
