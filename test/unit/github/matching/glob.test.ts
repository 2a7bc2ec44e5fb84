import { describe, expect, it } from 'vitest';
import { matchesGlob, matchesList } from '../../../../src/github/matching/glob.ts';

/** Pattern, names that it matches, names that it does not. The first two parts are GitHub's own cheat sheet, row by row. */
const TABLE: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  // branches and tags
  ['feature/*', ['feature/my-branch', 'feature/your-branch'], ['feature/a/b', 'feature', 'my-feature/x']],
  [
    'feature/**',
    ['feature/beta-a/my-branch', 'feature/your-branch', 'feature/mona/the/octocat'],
    ['feature', 'a/feature/b'],
  ],
  ['main', ['main'], ['Main', 'main2', 'amain', '']],
  ['releases/mona-the-octocat', ['releases/mona-the-octocat'], ['releases/mona']],
  ['*', ['main', 'releases', ''], ['all/the/branches', 'a/']],
  ['**', ['all/the/branches', 'every/tag', 'main', ''], []],
  ['*feature', ['mona-feature', 'feature', 'ver-10-feature'], ['feature-x', 'a/feature']],
  ['v2*', ['v2', 'v2.0', 'v2.9'], ['v1', 'v2/a']],
  ['v[12].[0-9]+.[0-9]+', ['v1.10.1', 'v2.0.0'], ['v3.0.0', 'v1..1', 'v1.1', 'v1.10.1-rc']],
  // paths
  ['*.jsx?', ['page.js', 'page.jsx'], ['page.jsxx', 'a/page.js', 'page.ts']],
  ['*.js', ['app.js', 'index.js', '.js'], ['src/app.js', 'app.jsx']],
  ['**.js', ['index.js', 'js/index.js', 'src/js/app.js'], ['index.jsx']],
  ['docs/*', ['docs/README.md', 'docs/file.txt'], ['docs/a/b.md', 'docs', 'a/docs/b']],
  ['docs/**', ['docs/README.md', 'docs/mona/octocat.txt'], ['docs', 'doc/x']],
  [
    'docs/**/*.md',
    ['docs/README.md', 'docs/mona/hello-world.md', 'docs/a/markdown/file.md'],
    ['docs/a.txt', 'README.md'],
  ],
  ['**/docs/**', ['docs/hello.md', 'dir/docs/my-file.txt', 'space/docs/plan/space.doc'], ['docs', 'mydocs/a']],
  ['**/README.md', ['README.md', 'js/README.md'], ['README.mdx', 'js/MYREADME.md']],
  ['**/*src/**', ['a/src/app.js', 'my-src/code/js/app.js'], ['srca/x', 'src']],
  ['**/*-post.md', ['my-post.md', 'path/their-post.md'], ['post.md']],
  [
    '**/migrate-*.sql',
    ['migrate-10909.sql', 'db/migrate-v1.0.sql', 'db/sept/migrate-v1.sql'],
    ['migrate.sql', 'xmigrate-1.sql'],
  ],
  // one by one
  ['*.[ch]', ['a.c', 'a.h'], ['a.d', 'a.ch']],
  ['[CB]at', ['Cat', 'Bat'], ['cat', 'at', 'CBat']],
  ['[1-2]00', ['100', '200'], ['300', '00']],
  ['[a-zA-Z0-9]', ['a', 'Z', '5'], ['-', '', 'ab']],
  ['[a-]', ['a', '-'], ['b']],
  ['ab+c', ['abc', 'abbbc'], ['ac', 'ab+c']],
  ['ab?c', ['abc', 'ac'], ['abbc']],
  ['?a', ['?a'], ['a']],
  ['a\\*b', ['a*b'], ['ab', 'axb']],
  ['a\\+', ['a+'], ['aa', 'a']],
  ['\\!x', ['!x'], ['x']],
  ['a\\', ['a\\'], ['a']],
  ['a[b', ['a[b'], ['ab']],
  ['a[]b', ['a[]b'], ['ab']],
  ['a.b', ['a.b'], ['axb']],
  ['a|b', ['a|b'], ['a', 'b']],
  ['a**b', ['ab', 'axb', 'ax/yb'], ['a']],
  ['a**/b', ['a/b', 'ax/b', 'ax/y/b'], ['ab']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb']],
  ['***', ['a/b'], []],
  ['x/**/**/y', ['x/y', 'x/a/y', 'x/a/b/y'], ['xy']],
  ['🎉?', ['🎉', ''], ['🎉🎉']],
  ['[🎉]', ['🎉'], ['x']],
  ['', [''], ['a']],
];

describe("GitHub's filter patterns", () => {
  it.each(TABLE)('%s', (pattern, matching, others) => {
    for (const name of matching) expect([name, matchesGlob(pattern, name)]).toEqual([name, true]);
    for (const name of others) expect([name, matchesGlob(pattern, name)]).toEqual([name, false]);
  });

  it.each([
    [['*.md', '!README.md'], ['hello.md'], ['README.md', 'docs/hello.md']],
    [['*.md', '!README.md', 'README*'], ['hello.md', 'README.md', 'README.doc'], ['docs/a.md']],
    [
      ['releases/**', '!releases/**-alpha'],
      ['releases/10', 'releases/beta/mona'],
      ['releases/10-alpha', 'releases/beta/3-alpha'],
    ],
    [['!main'], [], ['main', 'other']],
    [['!main', '**'], ['main', 'other'], []],
    [[], [], ['main']],
  ])('a list is read in order, and the last word counts: %j', (patterns, matching, others) => {
    for (const name of matching) expect([name, matchesList(patterns, name)]).toEqual([name, true]);
    for (const name of others) expect([name, matchesList(patterns, name)]).toEqual([name, false]);
  });

  it.each(['a?'.repeat(200) + 'a'.repeat(200), '**a'.repeat(150), '[a]+'.repeat(150), '**/'.repeat(150)])(
    'takes a moment, not a minute, for a pattern made to be slow',
    (pattern) => {
      const begin = performance.now();
      matchesGlob(pattern, `${'a/'.repeat(100)}${'a'.repeat(200)}b`);
      expect(performance.now() - begin).toBeLessThan(1000);
    },
  );
});
