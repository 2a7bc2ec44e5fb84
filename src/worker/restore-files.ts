import { createWriteStream } from 'node:fs';
import { rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Digest, DigestStream } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import { isInside, makeFolderInside } from '../steps/checkout-path.ts';
import { mapLimited, TRANSFERS_AT_ONCE } from './artifacts.ts';
import type { BlobStore } from './blob-store.ts';

/** A file that is written from the conductor's store. */
export interface RestoredFile {
  /** `executable`; `link`, whose content is its target; whatever else is a plain file. */
  readonly name: string;
  /** Below the folder that it is restored to, `/` between names. */
  readonly path: string;
  readonly digest: Digest;
}

/**
 * Writes files below a folder. Each is held to its digest before it takes its place, and none is written outside of the
 * folder, by its path or through a link that lies there.
 *
 * @throws MaestroError BLOB_CORRUPT
 */
export async function restoreFiles(files: readonly RestoredFile[], folder: string, blobs: BlobStore): Promise<void> {
  await mapLimited(files, TRANSFERS_AT_ONCE, (file) => restoreFile(file, folder, blobs));
}

async function restoreFile(file: RestoredFile, root: string, blobs: BlobStore): Promise<void> {
  const target = resolve(root, file.path);
  if (!isInside(root, target) || target === root)
    throw new MaestroError(
      'BLOB_CORRUPT',
      `expected a path below the folder that files are restored to, got ${file.path}`,
    );
  const folder = await makeFolderInside(root, dirname(target));
  if (folder === undefined)
    throw new MaestroError(
      'BLOB_CORRUPT',
      `expected folders on the way to a restored file, and no link out: ${file.path}`,
    );
  const partial = join(folder, `.maestro-${file.digest.slice(-16)}-${process.pid}-${partials++}`);
  try {
    await writeChecked(file, partial, folder, root, blobs);
    await rm(target, { recursive: true, force: true });
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Numbers files in the making: the same content may be restored to two places at once. */
let partials = 0;

async function writeChecked(
  file: RestoredFile,
  path: string,
  folder: string,
  root: string,
  blobs: BlobStore,
): Promise<void> {
  const digest = new DigestStream();
  const content = await blobs.get(file.digest);
  const checked = (async function* () {
    for await (const part of content) {
      digest.update(part);
      yield part;
    }
  })();
  if (file.name === 'link') {
    const link = (await buffer(checked)).toString('utf8');
    if (!isInside(root, resolve(folder, link)))
      throw new MaestroError('BLOB_CORRUPT', `expected a restored link to stay below its folder, got ${file.path}`);
    await symlink(link, path);
  } else {
    await pipeline(checked, createWriteStream(path, { mode: file.name === 'executable' ? 0o755 : 0o644, flags: 'wx' }));
  }
  if (digest.digest() !== file.digest)
    throw new MaestroError('BLOB_CORRUPT', `the content of a restored file does not match its digest: ${file.path}`);
}
