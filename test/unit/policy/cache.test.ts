import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecisionCache } from '../../../src/policy/decision-cache.ts';

const keys = fc.array(fc.integer({ min: 0, max: 30 }).map(String), { maxLength: 300 });

test('a cache never answers with what was kept under another key, and never outgrows its bound', () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 8 }), (asked, generationSize) => {
      const cache = new DecisionCache<{ readonly key: string }>(generationSize);
      for (const key of asked) {
        const found = cache.get(key);
        if (found === undefined) cache.set(key, { key });
        expect(cache.get(key)?.key).toBe(key);
        expect(cache.size).toBeLessThanOrEqual(2 * generationSize);
      }
    }),
  );
});

test('a cache keeps what is asked for again and again, whatever else comes', () => {
  const cache = new DecisionCache<object>(4);
  const kept = {};
  cache.set('kept', kept);
  for (let i = 0; i < 100; i++) {
    cache.set(`other ${i}`, {});
    expect(cache.get('kept')).toBe(kept);
  }
  expect(cache.get('other 0')).toBeUndefined();
});
