import { readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { LOG_KEY_NAME, PROOF_NAME } from '../../provenance/disclosure/pack-files.ts';
import { KEY_NAME } from '../../provenance/release-names.ts';
import type { Arguments } from '../arguments.ts';
import type { ReceiptFiles } from '../receipt-files.ts';

/** Longer than any key. */
const KEY_BYTES_MAX = 16_384;

/**
 * Names of the files in a folder that its receipt was verified with, or of: the receipt's own, and keys that count, be it that they were
 * named, that none was, or that they are the same as those that were named.
 * @param isLogged a proof of the register was read
 */
export function readBeside(
  { folder, bundle, runRecord }: ReceiptFiles,
  args: Arguments,
  cwd: string,
  isLogged: boolean,
): ReadonlySet<string> {
  const given = (flag: string): readonly string[] => (args.has(flag) ? [resolve(cwd, args.text(flag) ?? '')] : []);
  const counts = (name: string, flag: string): readonly string[] =>
    given(flag).every((path) => isSameKey(path, join(folder, name))) ? [join(folder, name)] : [];
  const isByKey = !args.has('keys') && !args.has('trusted-root');
  const paths = [
    bundle,
    ...(runRecord === undefined ? [] : [runRecord]),
    ...(isByKey ? counts(KEY_NAME, 'key') : []),
    ...(isLogged ? [join(folder, PROOF_NAME), ...counts(LOG_KEY_NAME, 'log-key')] : []),
    ...['key', 'keys', 'log-key', 'trusted-root'].flatMap(given),
  ];
  return new Set(paths.map((path) => relative(folder, path).replaceAll(sep, '/')));
}

/** Whether a key that the reader named lies in the folder that is verified: whoever made the one could make the other. */
export function isTrustInFolder({ folder, isFolder }: ReceiptFiles, args: Arguments, cwd: string): boolean {
  const root = realpathSync(folder);
  return (
    isFolder &&
    ['key', 'keys', 'log-key', 'trusted-root'].some((flag) => {
      const path = args.text(flag);
      return path !== undefined && isBelow(root, realpathSync(resolve(cwd, path)));
    })
  );
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function isSameKey(one: string, other: string): boolean {
  const [given, beside] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  if (!given?.isFile() || !beside?.isFile() || Math.max(given.size, beside.size) > KEY_BYTES_MAX) return false;
  return readFileSync(one, 'utf8').trim() === readFileSync(other, 'utf8').trim();
}
