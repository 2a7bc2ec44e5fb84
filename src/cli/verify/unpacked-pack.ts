import { lstatSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { FILES_MAX, isPlainPath, type PackFiles, UNPACKED_BYTES_MAX } from '../../provenance/disclosure/archive.ts';
import { SUMS_BUNDLE_NAME, SUMS_NAME } from '../../provenance/disclosure/disclosure-statement.ts';
import { demand } from '../../provenance/verification-error.ts';
import { readReceiptFile } from '../receipt-files.ts';

const LINE = /^[0-9a-f]{64} {2}(?<path>.+)$/;

/**
 * Of a disclosure pack that was unpacked: its list of digests, what signs that, and every file that it names and that is there. Links
 * are not followed: a file behind one is missing.
 *
 * @param folder absolute
 * @throws VerificationError TOO_LARGE, ARCHIVE_PATH_UNSAFE
 */
export function readUnpacked(folder: string): PackFiles {
  const root = realpathSync(folder);
  const files = new Map<string, Uint8Array>();
  let room = UNPACKED_BYTES_MAX;
  const read = (path: string): Uint8Array | undefined => {
    const sizeBytes = plainSize(root, path);
    if (sizeBytes === undefined) return undefined;
    room -= sizeBytes;
    demand(room >= 0, 'TOO_LARGE', `the pack has more than ${UNPACKED_BYTES_MAX} bytes`);
    const content = readReceiptFile(join(root, path));
    files.set(path, content);
    return content;
  };
  const sums = Buffer.from(read(SUMS_NAME) ?? '').toString();
  read(SUMS_BUNDLE_NAME);
  for (const path of pathsIn(sums)) read(path);
  return files;
}

function pathsIn(sums: string): readonly string[] {
  const paths = sums.split('\n').flatMap((line) => LINE.exec(line)?.groups?.['path'] ?? []);
  demand(paths.length <= FILES_MAX, 'TOO_LARGE', `expected at most ${FILES_MAX} files`);
  for (const path of paths)
    demand(isPlainPath(path), 'ARCHIVE_PATH_UNSAFE', `${SUMS_NAME} names a path that is not a plain one`);
  return paths;
}

/** Undefined where there is no file, or where a link leads to it. */
function plainSize(root: string, path: string): number | undefined {
  const absolute = join(root, path.replaceAll('/', sep));
  const stat = lstatSync(absolute, { throwIfNoEntry: false });
  return stat?.isFile() && realpathSync(absolute) === absolute ? stat.size : undefined;
}
