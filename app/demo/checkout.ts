import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';

/** Not part of the source: made, fetched or private. Counts where git cannot say what the source is. */
const NO_SOURCE = new Set(['.git', 'node_modules', 'demo-output', 'coverage', '.tools']);

/**
 * Copies the tracked files of a repository, as they are now, to a new folder that works as a checkout of the same commit.
 *
 * The packages are shared through a link. Works in a shallow clone, without a git identity, and without git (then without
 * a commit).
 */
export function copyCheckout(repository: string, checkout: string): void {
  const tracked = git(repository, 'ls-files', '-z', '--cached');
  if (tracked !== undefined) shareHistory(repository, checkout);
  mkdirSync(checkout, { recursive: true });
  const paths = tracked?.split('\0').filter((path) => path !== '') ?? readdirSync(repository).filter(isSource);
  for (const path of paths) copyPath(join(repository, path), join(checkout, path));
  const packages = join(repository, 'node_modules');
  symlinkSync(relative(checkout, packages), join(checkout, 'node_modules'));
}

/** Gives the copy the commit and the remote of the original; its objects are borrowed, its files come later. */
function shareHistory(repository: string, checkout: string): void {
  if (git(dirname(checkout), 'clone', '--quiet', '--shared', '--no-checkout', repository, checkout) === undefined)
    return;
  const remote = git(repository, 'config', '--get', 'remote.origin.url')?.trim();
  if (remote) git(checkout, 'remote', 'set-url', 'origin', remote);
  else git(checkout, 'remote', 'remove', 'origin');
  git(checkout, 'read-tree', 'HEAD');
}

function isSource(name: string): boolean {
  return !NO_SOURCE.has(name) && !name.endsWith('.tgz');
}

/** A tracked file that was deleted and not yet committed is no part of the source as it is now. */
function copyPath(from: string, to: string): void {
  if (existsSync(from)) cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

/** Standard output; undefined where git is missing or says no. */
function git(folder: string, ...words: readonly string[]): string | undefined {
  try {
    return execFileSync('git', ['-C', folder, ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      // A caller's GIT_DIR would lead away from the folder that is meant.
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch {
    return undefined;
  }
}
