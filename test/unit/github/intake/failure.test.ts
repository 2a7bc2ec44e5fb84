import { describe, expect, it } from 'vitest';
import { askedPauseMs } from '../../../../src/github/intake/failure.ts';

const DATE = 'Fri, 20 Nov 2026 12:00:00 GMT';
const inSeconds = (seconds: number): string => String(Date.parse(DATE) / 1000 + seconds);

function refused(headers: Readonly<Record<string, string>>): Error {
  return Object.assign(new Error('You have exceeded a rate limit'), { status: 403, response: { headers } });
}

describe('the pause that GitHub asks for', () => {
  it.each([
    ['seconds to wait', refused({ 'retry-after': '60' }), 60_000],
    [
      'a limit that is spent',
      refused({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inSeconds(90), date: DATE }),
      90_000,
    ],
    [
      'a limit that is not spent',
      refused({ 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': inSeconds(90), date: DATE }),
      0,
    ],
    [
      'a limit that is new already',
      refused({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inSeconds(-5), date: DATE }),
      0,
    ],
    ['more than an hour', refused({ 'retry-after': '999999' }), 3_600_000],
    ['nonsense', refused({ 'retry-after': 'soon', 'x-ratelimit-remaining': '0' }), 0],
    ['nothing', refused({}), 0],
    ['an answer that never came', Object.assign(new Error('x'), { response: undefined }), 0],
    ['no error at all', 'text', 0],
  ])('%s', (_name, error, pauseMs) => {
    expect(askedPauseMs(error)).toBe(pauseMs);
  });
});
