import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFiles, staticBase } from '../../../src/steps/files.ts';

const FILES = [
  '.hidden/a.js',
  'app/(group)/page.tsx',
  'dist/a.css',
  'dist/a.js',
  'dist/b.js',
  'dist/deep/c.js',
  'dist/deep/d1.map',
  'report[1].txt',
  'report{1}.txt',
  'x.js',
];

describe('a glob of files', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'maestro-files-'));
    for (const path of FILES) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), '');
    }
  });
  afterAll(() => rmSync(root, { recursive: true }));
  const found = async (...globs: readonly string[]): Promise<readonly string[]> =>
    (await findFiles(root, globs)).files.map(({ path }) => path);

  it.each<[readonly string[], readonly string[]]>([
    [['**'], FILES],
    [['*.js'], ['x.js']],
    [['**/*.js'], ['.hidden/a.js', 'dist/a.js', 'dist/b.js', 'dist/deep/c.js', 'x.js']],
    [['dist'], ['dist/a.css', 'dist/a.js', 'dist/b.js', 'dist/deep/c.js', 'dist/deep/d1.map']],
    [['./dist/deep/'], ['dist/deep/c.js', 'dist/deep/d1.map']],
    [['dist/*.{js,css}'], ['dist/a.css', 'dist/a.js', 'dist/b.js']],
    [['{dist/deep,.hidden}/*.js'], ['.hidden/a.js', 'dist/deep/c.js']],
    [['dist/{a,{b,deep/c}}.js'], ['dist/a.js', 'dist/b.js', 'dist/deep/c.js']],
    [
      ['dist/**', '!**/*.js'],
      ['dist/a.css', 'dist/deep/d1.map'],
    ],
    [
      ['dist/**', '!dist/{a,b}.*'],
      ['dist/deep/c.js', 'dist/deep/d1.map'],
    ],
    [['dist/[!a].js'], ['dist/b.js']],
    [['dist/[^a].js'], ['dist/b.js']],
    [['dist/?.js'], ['dist/a.js', 'dist/b.js']],
    [['dist/deep/?[0-9].map'], ['dist/deep/d1.map']],
    [['app/(group)/*'], ['app/(group)/page.tsx']],
    [['report\\[1].txt'], ['report[1].txt']],
    [['report\\{1}.txt'], ['report{1}.txt']],
    [['report{1}.txt'], ['report{1}.txt']],
    [['dist/none/**'], []],
  ])('%j finds %j', async (globs, paths) => {
    expect(await found(...globs)).toEqual(paths);
  });

  it.each([
    '../**',
    '/etc/*',
    'a/../../b',
    'dist/!(a).js',
    '!dist/+(a).js',
    'dist/@(a|b).js',
    `{${Array.from({ length: 101 }, (_, i) => i).join(',')}}*`,
    '{a,b}'.repeat(20),
    '*'.repeat(30),
    `*${'x'.repeat(2000)}`,
  ])('is refused where it leads out, is too much, or would mean something else: %s', async (glob) => {
    await expect(found(glob, '**')).rejects.toMatchObject({ code: 'INPUT_INVALID' });
  });

  it('is answered at once, whatever its wildcards could share', async () => {
    writeFileSync(join(root, 'a'.repeat(250)), '');
    const started = performance.now();
    for (const glob of [
      `${'*a'.repeat(18)}*b`,
      `${'{a,*}'.repeat(6)}b`,
      `${'**/a/'.repeat(9)}b`,
      `${'{'.repeat(4000)}*`,
      `a${'/'.repeat(500_000)}b`,
      '\\'.repeat(4001),
    ])
      await found(glob, `!${glob}`).catch(() => {});
    // Not even within an hour by a regular expression.
    expect(performance.now() - started).toBeLessThan(2000);
    rmSync(join(root, 'a'.repeat(250)));
  });

  it.each([
    ['dist/*.js', 'dist'],
    ['dist/deep/c.js', 'dist/deep'],
    ['dist/{a,b}/c', 'dist'],
    ['**', ''],
    ['x.js', ''],
    ['./dist/**', 'dist'],
  ])('%s has the base %j', (glob, base) => {
    expect(staticBase(glob)).toBe(base);
  });
});
