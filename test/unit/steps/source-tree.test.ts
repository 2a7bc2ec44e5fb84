import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSourceTree } from '../../../src/steps/source-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'maestro-tree-'));
const root = join(folder, 'repository');
mkdirSync(join(root, 'task'), { recursive: true });
writeFileSync(join(root, 'task', 'main.js'), 'inside');
writeFileSync(join(folder, 'secret'), 'outside');
symlinkSync('task/main.js', join(root, 'link'));
symlinkSync('../secret', join(root, 'leak'));
symlinkSync('..', join(root, 'up'));
symlinkSync('loop', join(root, 'loop'));
symlinkSync(root, join(folder, 'checkout'));
writeFileSync(join(root, 'huge'), '');
truncateSync(join(root, 'huge'), 64 * 1_048_576 + 1);
execFileSync('mkfifo', [join(root, 'pipe')]);

describe.each([
  ['a checkout', root],
  ['a link to a checkout', join(folder, 'checkout')],
])('the files of %s', (_title, given) => {
  const tree = openSourceTree(given);
  const read = (path: string): string | undefined => {
    const bytes = tree.read(path);
    return bytes && Buffer.from(bytes).toString();
  };

  it.each(['task/main.js', 'link'])('are read: %s', (path) => expect(read(path)).toBe('inside'));

  it.each(['nowhere', 'task', 'task/main.js/x', 'pipe'])('are none where there is no regular file: %s', (path) =>
    expect(read(path)).toBeUndefined(),
  );

  it.each(['leak', 'up/secret', '../secret', 'huge', 'loop'])('are refused: %s', (path) =>
    expect(() => read(path)).toThrowError(expect.objectContaining({ code: 'TASK_INVALID' })),
  );
});
