import { expect, it } from 'vitest';
import { failureOf } from '../../../../src/github/report/github-failure.ts';

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
