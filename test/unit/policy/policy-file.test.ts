import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import type { Json } from '../../../src/base/json.ts';
import { mergePatch } from '../../../src/policy/merge-patch.ts';
import { type PolicyFileOptions, parsePolicyFile } from '../../../src/policy/policy-file.ts';
import { BUNDLE } from './fixture.ts';

const { manifest } = BUNDLE;

/** `line:column: message` of every finding. */
function findingsIn(text: string, options: PolicyFileOptions = {}): readonly string[] {
  try {
    parsePolicyFile(text, manifest, { ...options, path: 'p' });
  } catch (error) {
    if (!isMaestroError(error, 'POLICY_INVALID')) throw error;
    return error.message.split('\n').map((line) => line.slice(2));
  }
  return [];
}

/** `line:column` of every finding. */
function placesIn(text: string, options: PolicyFileOptions = {}): readonly string[] {
  return findingsIn(text, options).map((line) => line.slice(0, line.indexOf(': ')));
}

describe('a policy file', () => {
  test.each(['', '# nothing yet\n', '\n\n', '{}', '\uFEFF# marked'])(
    'that says nothing (%j) leaves the defaults',
    (text) => {
      expect(parsePolicyFile(text, manifest).data).toEqual(manifest.defaults);
    },
  );

  test('adds to the defaults, replaces lists and takes away with null', () => {
    const { data, patch } = parsePolicyFile('tags: { foo: {}, pii: null }\negress: { allow: [a.com] }\n', manifest);
    expect(patch).toEqual({ tags: { foo: {}, pii: null }, egress: { allow: ['a.com'] } });
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
    ['a duration without a unit', 'environments:\n  prod: { order: 1, soak: 30 }', ['2:21']],
    ['a soak without an order', 'environments:\n  prod: { soak: 30m }', ['2:11']],
    ['a window without a time', 'freeze: { windows: [{ name: x, timezone: UTC }] }', ['1:21', '1:21']],
    ['half a window', 'freeze: { windows: [{ name: x, timezone: UTC, from: "2026-12-20T00:00" }] }', ['1:21']],
    [
      'a time of day',
      'freeze:\n  windows:\n    - { name: x, timezone: UTC, weekly: { from: "fri", to: "mon 08:00" } }',
      ['3:43'],
    ],
    [
      'a time zone that is none',
      'freeze: { windows: [{ name: x, timezone: Mars, weekly: { from: "fri 16:00", to: "mon 08:00" } }] }',
      ['1:32'],
    ],
    [
      'a day that is none',
      'freeze:\n  windows:\n    - name: x\n      timezone: UTC\n      from: "2026-02-30T00:00"\n      to: "2026-03-03T00:00"',
      ['5:7'],
    ],
    [
      'a window that ends before it begins',
      'freeze:\n  windows:\n    - name: x\n      timezone: UTC\n      from: "2026-02-20T00:00"\n      to: "2026-02-03T00:00"',
      ['6:7'],
    ],
    [
      'an environment that nobody knows',
      'freeze:\n  windows:\n    - name: x\n      environments:\n        - prod\n        - prd\n      timezone: UTC\n      weekly: { from: "fri 16:00", to: "mon 08:00" }',
      ['6:11'],
    ],
    ['a role that nobody knows', 'actions: { run: { roles: [develper] } }', ['1:27']],
    [
      'a reviewer whose role nobody knows',
      'environments: { prod: { reviewers: [ada, acme/x, "role:boss"] } }',
      ['1:50'],
    ],
    ['a tag that nobody knows', 'residency: { tags: { foo: [eu] } }', ['1:22']],
    ['a runner class that nobody knows', 'quota: { jobs: { gpuu: 2 } }', ['1:18']],
    ['a lock', 'lock: [budget]', ['1:1']],
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

describe('a finding', () => {
  test.each([
    ['tag: {}', '1:1: tag is not a setting (did you mean "tags"?)'],
    [
      'environments: { prod: { aprovals: 2 } }',
      '1:25: environments.prod.aprovals is not a setting (did you mean "approvals"?) (pack promotion)',
    ],
    [
      'tags: { foo: { verdict: Ask } }',
      '1:16: tags.foo.verdict must be one of allow, ask, deny (did you mean "ask"?) (pack base)',
    ],
    [
      'secrets: { environments: { TOKEN: [prd] } }',
      '1:36: secrets.environments.TOKEN.0 names what environments lacks: prd (did you mean "prod"?) (pack secrets)',
    ],
    [
      'environments: { prod: { expires: tomorrow } }',
      '1:25: environments.prod.expires must be a duration such as 90s, 30m, 24h or 7d (pack promotion)',
    ],
    ['budget: null', '1:1: budget may not be removed; leave it out to take the default (pack budget)'],
  ])('of %j names the setting, the pack and what was probably meant', (text, finding) => {
    expect(findingsIn(text)).toEqual([finding]);
  });
});

describe('what an operator says', () => {
  const base = { ...manifest.defaults, autonomy: { max: 'L1' } };

  test('is what a repository patches', () => {
    const { data } = parsePolicyFile('budget: { max: { usd: 1 } }', manifest, { base });
    expect(data).toMatchObject({ autonomy: { max: 'L1' }, budget: { max: { usd: 1 } } });
    expect(parsePolicyFile('# nothing', manifest, { base }).data).toBe(base);
  });

  test('may lock paths, which are no part of the data', () => {
    const text = 'autonomy: { max: L1 }\nlock: [autonomy, environments.prod, runners.ubuntu-22.04]';
    const { data, patch, locked } = parsePolicyFile(text, manifest, { isOperators: true });
    expect(locked).toEqual(['autonomy', 'environments.prod', 'runners.ubuntu-22.04']);
    expect(data).toEqual(base);
    expect(patch).toEqual({ autonomy: { max: 'L1' } });
  });

  test.each([
    ['no list', 'lock: budget', ['1:1']],
    ['a path that is none', 'lock:\n  - budget\n  - budgets.max\n  - 3', ['3:5', '4:5']],
  ])('may not lock %s', (_, text, places) => {
    expect(placesIn(text, { isOperators: true })).toEqual(places);
  });

  const locked = ['budget', 'environments.prod', 'runners.ubuntu-22.04', 'secrets.allow'];
  test.each([
    ['the whole', 'tags: {}\nbudget: { max: { usd: 1 } }', ['2:1']],
    ['the whole by taking it away', 'environments:\n  prod: null', ['2:3']],
    ['a part of it', 'environments:\n  prod: { protected: false }', ['2:3']],
    ['a name with a dot', 'runners:\n  ubuntu-22.04: { forks: false }', ['2:3']],
    ['a list', 'secrets: { allow: [A] }', ['1:12']],
    ['several', 'budget: {}\nenvironments: { prod: {} }', ['1:1', '2:17']],
  ])('stays as it is where a file touches %s of what is locked', (_, text, places) => {
    expect(placesIn(text, { locked })).toEqual(places);
  });

  test('stays as it is where a file replaces that in which the locked path lies', () => {
    expect(placesIn('environments: []', { locked })).toContain('1:1');
    expect(findingsIn('environments: []', { locked })[0]).toContain('locked');
  });

  test.each([
    'environments: { staging: { order: 1 } }',
    'runners: { ubuntu-22: {} }',
    'secrets: { tags: { A: [test] } }',
  ])('leaves %j to the repository', (text) => {
    expect(placesIn(text, { locked })).toEqual([]);
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
