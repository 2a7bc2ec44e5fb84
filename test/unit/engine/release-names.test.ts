import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assetNames } from '../../../src/engine/release-names.ts';

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
    ['never one that is taken', [named('SHA256SUMS'), named('run.JSON')], ['pkg-SHA256SUMS', 'pkg-run.JSON']],
    [
      'safe',
      [named('a/..'), named('$(rm -rf ~).sh'), named('été.txt'), named('-rf')],
      ['file', 'rm--rf-.sh', 't-.txt', 'rf'],
    ],
  ])('are %s', (_, outputs, names) => {
    expect(assetNames(outputs, ['SHA256SUMS', 'run.json'])).toEqual(names);
  });

  it('are unique and safe, whatever the outputs are called', () => {
    const output = fc.record({
      stepId: fc.string(),
      name: fc.string({ unit: 'grapheme' }),
      path: fc.string({ unit: 'binary' }),
    });
    fc.assert(
      fc.property(fc.array(output, { maxLength: 30 }), (outputs) => {
        const names = assetNames(outputs, ['run.json']);
        expect(new Set([...names, 'run.json'].map((name) => name.toLowerCase())).size).toBe(outputs.length + 1);
        for (const name of names) expect(name).toMatch(/^(?!\.)(?!.*\.$)[A-Za-z0-9._-]{1,255}$/);
      }),
    );
  });
});
