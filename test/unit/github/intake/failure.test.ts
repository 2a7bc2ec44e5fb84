import { describe, expect, it } from 'vitest';
import { askedPauseMs, isUninstalled, Later } from '../../../../src/github/intake/failure.ts';

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
    ['what is known to be possible later', new Later('the writes are used up', 12_000), 12_000],
    ['an answer that never came', Object.assign(new Error('x'), { response: undefined }), 0],
    ['no error at all', 'text', 0],
  ])('%s', (_name, error, pauseMs) => {
    expect(askedPauseMs(error)).toBe(pauseMs);
  });
});

describe('an installation that is gone', () => {
  const failed = (status: number, url: string): Error => Object.assign(new Error('x'), { status, request: { url } });
  const TOKENS = 'https://ghe.example.com/api/v3/app/installations/7/access_tokens';

  it.each([
    ['gets no token', failed(404, TOKENS), true],
    ['is not one whose token GitHub could not make', failed(502, TOKENS), false],
    ['is not one that lacks a commit', failed(404, 'https://api.github.com/repos/a/b/commits/c'), false],
    ['is not what a repository is named for', failed(404, `${TOKENS}/x`), false],
    ['is none where nothing was asked', Object.assign(new Error('x'), { status: 404 }), false],
    ['is no text', 'text', false],
  ])('%s', (_name, error, expected) => {
    expect(isUninstalled(error)).toBe(expected);
  });
});
