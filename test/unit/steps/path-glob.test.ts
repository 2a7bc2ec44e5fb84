import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIgnoreFile } from '../../../src/steps/build-container/ignore-file.ts';
import { globMatcher } from '../../../src/steps/path-glob.ts';
import { readIgnoreFile } from '../../../src/steps/security/ignore-file.ts';
import type { SecretPlace } from '../../../src/steps/security/secret-place.ts';

describe('a pattern of paths', () => {
  it.each([
    ['*', 'a', true],
    ['*', '.a', true],
    ['*', 'a/b', false],
    ['**', 'a/b/c', true],
    ['a/**', 'a/b/c', true],
    ['a/**', 'a', false],
    ['**/a', 'a', true],
    ['**/a', 'x/y/a', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'ab', false],
    ['**/x/**/y', 'x/x/z/y', true],
    ['**/x/**/y', 'x/x/z', false],
    ['*.ts', 'a.b.ts', true],
    ['a*b*c', 'abbcbc', true],
    ['a*b*c', 'abbcb', false],
    ['a**b', 'a-b', true],
    ['?', '\u{1f600}', true],
    ['?', 'ab', false],
    ['[a-c]x', 'bx', true],
    ['[a-c]x', 'dx', false],
    ['[!a]x', '!x', true],
    ['[!a]x', 'bx', false],
    ['[^a-c]x', 'ax', false],
    ['[]]', ']', true],
    ['[a-]', '-', true],
    ['[a', '[a', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\', 'a\\', true],
    ['{a,b}', 'a', false],
    ['{a,b}', '{a,b}', true],
    ['(a|b)', 'a', false],
    ['!a', 'b', false],
    ['!a', '!a', true],
    ['+(a)', 'aa', false],
    ['a.b', 'axb', false],
  ])('%s on %s: %s', (glob, path, isMatch) => {
    expect(globMatcher(glob)(path)).toBe(isMatch);
  });

  it('matches what a regular expression of it does', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), minLength: 1, maxLength: 6 });
    const glob = fc.array(fc.oneof(name, fc.constant('**')), { minLength: 1, maxLength: 4 });
    const path = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 5,
    });
    const isName = (text: string): boolean => !/^\.{1,2}$/.test(text) && (text === '**' || !text.includes('**'));
    fc.assert(
      fc.property(glob, path, (globNames, names) => {
        fc.pre([...globNames, ...names].every(isName));
        const [text, at] = [globNames.join('/'), names.join('/')];
        expect([text, at, globMatcher(text)(at)]).toEqual([text, at, regexOf(globNames).test(at)]);
      }),
      { numRuns: 2000 },
    );
  });

  it('is answered at once, whatever its wildcards could share', () => {
    const evil = `${'*a'.repeat(18)}*b`;
    const folders = `${'**/a/'.repeat(9)}b`;
    const started = performance.now();
    for (const glob of [evil, folders]) {
      expect(globMatcher(glob)('a'.repeat(255))).toBe(false);
      expect(globMatcher(glob)(Array.from({ length: 200 }, () => 'a').join('/'))).toBe(false);
      expect(parseIgnoreFile(glob)(`${'a'.repeat(255)}/c`)).toBe(false);
      expect(readIgnoreFile(glob).some(({ covers }) => covers(placeAt('a'.repeat(255))))).toBe(false);
    }
    // Not even within an hour by a regular expression.
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

/** The same, by the engine that hangs on hostile ones. */
function regexOf(names: readonly string[]): RegExp {
  const parts = names.map((name, index) => {
    const isLast = index === names.length - 1;
    if (name === '**') return isLast ? '.+' : '(?:[^/]+/)*';
    const text = Array.from(name, (char) => ({ '*': '[^/]*', '?': '[^/]', '.': '\\.' })[char] ?? char).join('');
    return isLast ? text : `${text}/`;
  });
  return new RegExp(`^${parts.join('')}$`);
}

const placeAt = (path: string): SecretPlace => ({ path, line: 1, kind: 'aws', rule: 'aws' });
