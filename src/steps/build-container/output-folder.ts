import { randomUUID } from 'node:crypto';
import { lstat, mkdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { MaestroError } from '../../base/errors.ts';
import { isInside, makeFolderInside } from '../checkout-path.ts';

export interface OutputFolder extends AsyncDisposable {
  /** Absolute, there and empty: what is built goes here. */
  readonly draft: string;
  /** Relative to the working directory. */
  readonly path: string;
  /** Absolute paths that belong to the build, and never to its context. */
  readonly paths: ReadonlySet<string>;
  /** Puts the draft into its place, instead of an earlier image. */
  readonly keep: () => Promise<void>;
}

/**
 * Where an image will lie. A build that fails leaves nothing behind, and what lay there before.
 *
 * @throws MaestroError INPUT_INVALID for a place outside of `root`, and for one that holds something else than an image
 */
export async function openOutput(root: string, path: string): Promise<OutputFolder> {
  const realRoot = await realpath(root);
  const wanted = resolve(realRoot, path);
  if (wanted === realRoot || !isInside(realRoot, wanted))
    throw new MaestroError('INPUT_INVALID', `expected the output to be a folder in the working directory, got ${path}`);
  const folder = await makeFolderInside(realRoot, dirname(wanted));
  if (folder === undefined)
    throw new MaestroError(
      'INPUT_INVALID',
      `expected the output to be in the working directory: ${path} leads out of it`,
    );
  const place = join(folder, basename(wanted));
  await assertReplaceable(place, path);
  const draft = join(folder, `.maestro-image-${randomUUID()}`);
  await mkdir(draft);
  return {
    draft,
    path: relative(realRoot, wanted),
    paths: new Set([place, draft]),
    keep: async () => {
      await rm(place, { recursive: true, force: true });
      await rename(draft, place);
    },
    [Symbol.asyncDispose]: () => rm(draft, { recursive: true, force: true }),
  };
}

async function assertReplaceable(place: string, path: string): Promise<void> {
  const there = await lstat(place).catch(() => undefined);
  if (there === undefined) return;
  const marker = there.isDirectory() ? await lstat(join(place, 'oci-layout')).catch(() => undefined) : undefined;
  if (!marker?.isFile())
    throw new MaestroError('INPUT_INVALID', `expected nothing or an earlier image at ${path}: name another output`);
}
