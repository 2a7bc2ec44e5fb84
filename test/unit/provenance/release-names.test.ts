import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assetNames, candidateNames, PAGE_NAMES, withoutNumber } from '../../../src/provenance/release-names.ts';

const named = (path: string, name = 'pkg', stepId = 'pack') => ({ stepId, name, path });

describe('names of the files of a release', () => {
  it.each([
    ['their own', [named('dist/app.tgz')], ['app.tgz']],
    ['with their artifact where two are equal', [named('a/x'), named('b/X', 'other')], ['x', 'other-X']],
    [
      'with their step where those are equal too',
      [named('a/x'), named('b/x'), named('c/x', 'pkg', 'two')],
      ['x', 'pkg-x', 'two-pkg-x'],
    ],
    [
      'numbered where nothing tells them apart',
      [1, 2, 3, 4].map(() => named('x')),
      ['x', 'pkg-x', 'pack-pkg-x', '2-pack-pkg-x'],
    ],
    ['never one of the page', [named('SHA256SUMS'), named('run.JSON')], ['pkg-SHA256SUMS', 'pkg-run.JSON']],
    [
      'never a key that the page is checked with',
      [named('maestro.pub'), named('LOG.pub')],
      ['pkg-maestro.pub', 'pkg-LOG.pub'],
    ],
    [
      'safe',
      [named('a/..'), named('$(rm -rf ~).sh'), named('été.txt'), named('-rf')],
      ['file', 'rm--rf-.sh', 't-.txt', 'rf'],
    ],
  ])('are %s', (_, outputs, names) => {
    expect(assetNames(outputs)).toEqual(names);
  });

  it('are unique and safe, whatever the outputs are called', () => {
    const output = fc.record({
      stepId: fc.string(),
      name: fc.string({ unit: 'grapheme' }),
      path: fc.string({ unit: 'binary' }),
    });
    fc.assert(
      fc.property(fc.array(output, { maxLength: 30 }), (outputs) => {
        const names = assetNames(outputs);
        const all = [...names, ...PAGE_NAMES].map((name) => name.toLowerCase());
        expect(new Set(all).size).toBe(outputs.length + PAGE_NAMES.length);
        for (const name of names) expect(name).toMatch(/^(?!\.)(?!.*\.$)[A-Za-z0-9._-]{1,255}$/);
      }),
    );
  });

  it('are found again among the candidates of their output, without the number before the last one', () => {
    const word = fc.constantFrom('a', 'b c', '2-a', 'é', 'run.json', '..');
    fc.assert(
      fc.property(fc.array(fc.record({ stepId: word, name: word, path: word }), { maxLength: 30 }), (outputs) => {
        for (const [index, name] of assetNames(outputs).entries()) {
          const candidates = candidateNames(outputs[index] ?? named(''));
          const isCandidate = candidates.includes(name) || withoutNumber(name) === candidates[2];
          expect([name, isCandidate]).toEqual([name, true]);
        }
      }),
    );
  });

  it('cost as much for each of many files of one name as for one', () => {
    const names = assetNames(Array.from({ length: 100_000 }, (_, i) => named(`${i}/app`)));
    expect(names.at(-1)).toBe('99998-pack-pkg-app');
  });
});
