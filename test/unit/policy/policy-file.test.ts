import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import type { Json } from '../../../src/base/json.ts';
import { mergePatch } from '../../../src/policy/merge-patch.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';
import { BUNDLE } from './fixture.ts';

const { manifest } = BUNDLE;

/** `line:column` of every finding. */
function placesIn(text: string): readonly string[] {
  try {
    parsePolicyFile(text, manifest, 'p');
  } catch (error) {
    if (!isMaestroError(error, 'POLICY_INVALID')) throw error;
    return error.message.split('\n').map((line) => line.slice(2, line.indexOf(': ')));
  }
  return [];
}

describe('a policy file', () => {
  test.each(['', '# nothing yet\n', '\n\n', '{}', '\uFEFF# marked'])(
    'that says nothing (%j) leaves the defaults',
    (text) => {
      expect(parsePolicyFile(text, manifest)).toEqual(manifest.defaults);
    },
  );

  test('adds to the defaults, replaces lists and takes away with null', () => {
    const data = parsePolicyFile('tags: { foo: {}, pii: null }\negress: { allow: [a.com] }\n', manifest);
    expect(Object.keys(data['tags'] as object)).toContain('foo');
    expect(Object.keys(data['tags'] as object)).not.toContain('pii');
    expect(data['egress']).toEqual({ allow: ['a.com'] });
    expect(data['kinds']).toEqual(manifest.defaults['kinds']);
  });

  test.each([
    ['an unknown setting', 'tags: {}\ntag: {}\n', ['2:1']],
    ['an unknown setting of a tag', 'tags:\n  foo:\n    verdikt: ask\n', ['3:5']],
    ['a value out of range', 'autonomy:\n  max: L9\n', ['2:3']],
    ['an item of the wrong type', 'secrets:\n  allow:\n    - A\n    - 3\n', ['4:7']],
    ['a name with a Cyrillic letter', 'tags:\n  "pіi": {}\n', ['2:3']],
    ['an empty name', 'tags: { "": {} }', ['1:9']],
    ['a URL as host', 'egress: { allow: ["https://a.com"] }', ['1:19']],
    ['a removed section', 'kinds: {}\nbudget: null\n', ['2:1']],
    ['a section of the wrong type', 'kinds: 3', ['1:1']],
    ['a negative budget', 'budget: { max: { usd: -1 } }', ['1:18']],
    ['every fault at once', 'autonomy: { max: 3 }\nkinds: []\n', ['1:13', '2:1']],
    ['a list', '- a', ['1:1']],
    ['a duplicate key', 'tags: { a: {}, a: {} }', ['1:16']],
    ['a second document', 'tags: {}\n---\ntags: {}', ['2:1']],
    ['a number that JSON lacks', 'budget: { max: { usd: .inf } }', ['1:23']],
    ['a NUL', 'tags: {}\n\0', ['2:1']],
  ])('with %s is refused at its place', (_, text, places) => {
    expect(placesIn(text)).toEqual(places);
  });

  test.each([
    ['broken YAML', 'tags: ['],
    ['a tab', 'tags:\n\tfoo: {}'],
    ['the key __proto__', '__proto__: { tags: {} }'],
    ['an unresolved tag', 'tags: !foo {}'],
    ['aliases that multiply', `a: &a [x]\n${Array.from({ length: 200 }, (_, i) => `b${i}: *a`).join('\n')}`],
    ['nesting without end', '['.repeat(5000)],
    ['two megabytes', `# ${'x'.repeat(2_000_000)}\ntags: {}`],
  ])('with %s is refused', (_, text) => {
    expect(placesIn(text)).not.toEqual([]);
  });
});

describe('a merge patch', () => {
  // The example cases of RFC 7396, appendix A.
  const cases: readonly [Json, Json, Json][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  test.each(cases)('%j patched by %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test('applied twice is applied once', () => {
    const json = fc.jsonValue() as fc.Arbitrary<Json>;
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  test('never reaches a prototype', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
