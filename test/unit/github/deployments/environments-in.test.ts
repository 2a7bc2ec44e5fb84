import { describe, expect, it } from 'vitest';
import { environmentsIn } from '../../../../src/github/deployments/environments-in.ts';

describe('what policy’s data say of environments', () => {
  it('is where they are reached, and whether users are there', () => {
    const environments = { prod: { protected: true, url: 'https://shop.test' }, staging: { order: 1 } };
    expect([...environmentsIn({ environments })]).toEqual([
      ['prod', { url: 'https://shop.test/', isProduction: true }],
      ['staging', { url: null, isProduction: false }],
    ]);
  });

  it.each([
    ['javascript:alert(1)'],
    ['file:///etc/passwd'],
    ['shop.test'],
    [''],
    [`https://shop.test/${'x'.repeat(1000)}`],
    [7],
    [null],
  ])('is no address where that is no web page: %j', (url) => {
    expect(environmentsIn({ environments: { prod: { url } } }).get('prod')).toEqual({ url: null, isProduction: false });
  });

  it.each([[{}], [{ environments: [] }], [{ environments: 'all' }], [{ environments: null }]])(
    'is nothing where they are of another shape: %j',
    (data) => {
      expect(environmentsIn(data).size).toBe(0);
    },
  );
});
