import { describe, expect, it } from 'vitest';
import { parseBucketUri } from '../../../../../src/cli/register/tile-bucket/bucket-uri.ts';
import {
  type LockRule,
  parseLockMode,
  parsePeriod,
  type RetentionAsked,
  retentionOf,
} from '../../../../../src/cli/register/tile-bucket/retention.ts';

describe('the place of a bucket', () => {
  it.each([
    ['s3://acme', { bucket: 'acme', prefix: '' }],
    ['s3://acme/', { bucket: 'acme', prefix: '' }],
    ['s3://acme.evidence/maestro', { bucket: 'acme.evidence', prefix: 'maestro/' }],
    ['s3://acme/a-b/C_1/', { bucket: 'acme', prefix: 'a-b/C_1/' }],
  ])('is read from %s', (uri, place) => {
    expect(parseBucketUri(uri)).toEqual(place);
  });

  it.each([
    's3://',
    's3://ab',
    's3:///prefix',
    's3://Acme',
    's3://acme..x',
    's3://acme/a//b',
    's3://acme//',
    's3://acme/../b',
    's3://acme/./b',
    's3://acme/a b',
    's3://acme/a?versionId=1',
    's3://key:secret@acme/a',
    's3://acme/ä',
    `s3://acme/${'a'.repeat(600)}`,
    'S3://acme',
  ])('is not %s', (uri) => {
    expect(() => parseBucketUri(uri)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('a retention', () => {
  const now = Date.parse('2028-02-29T10:00:00Z');
  const of = (asked: Partial<RetentionAsked>, rule?: LockRule): string => {
    const { mode, until } = retentionOf({ period: undefined, mode: undefined, ...asked }, rule, now, 's3://acme');
    return `${mode} ${until.toISOString()}`;
  };
  const rule = (text: string, mode: LockRule['mode']): LockRule => ({ mode, period: parsePeriod(text) });

  it.each([
    ['90d', 'COMPLIANCE 2028-05-30T00:00:00.000Z'],
    // A year that has no such day ends it with the next one, not with the one before.
    ['1y', 'COMPLIANCE 2029-03-02T00:00:00.000Z'],
    ['4y', 'COMPLIANCE 2032-03-01T00:00:00.000Z'],
    ['100y', 'COMPLIANCE 2128-03-01T00:00:00.000Z'],
    ['36500d', 'COMPLIANCE 2128-02-06T00:00:00.000Z'],
  ])('of %s is never shorter than that', (text, expected) => {
    expect(of({ period: parsePeriod(text) })).toBe(expected);
  });

  it.each(['', '7', 'y', '0d', '-1d', '07y', '1.5y', '101y', '36501d', '7Y', '7w', '1y2d', '99999999d'])(
    'is not %s',
    (text) => {
      expect(() => parsePeriod(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    },
  );

  it('has one of two modes', () => {
    expect(['compliance', 'GOVERNANCE'].map(parseLockMode)).toEqual(['COMPLIANCE', 'GOVERNANCE']);
    expect(() => parseLockMode('legal-hold')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('is that of the bucket where nobody asks for another, and nothing is written where there is none', () => {
    expect(of({}, rule('3d', 'GOVERNANCE'))).toBe('GOVERNANCE 2028-03-04T00:00:00.000Z');
    expect(of({ mode: 'COMPLIANCE' }, rule('3d', 'GOVERNANCE'))).toBe('COMPLIANCE 2028-03-04T00:00:00.000Z');
    expect(() => of({})).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('7y') }));
    expect(() => of({ mode: 'COMPLIANCE' })).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('may be stronger than the rule of the bucket, and not weaker', () => {
    expect(of({ period: parsePeriod('5d') }, rule('3d', 'GOVERNANCE'))).toBe('COMPLIANCE 2028-03-06T00:00:00.000Z');
    for (const asked of [{ period: parsePeriod('2d') }, { mode: 'GOVERNANCE' } as const])
      expect(() => of(asked, rule('3d', 'COMPLIANCE'))).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
