import { basename } from 'node:path';
import { type Digest, hexOf } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import type { OwnArtifact, StepContext } from '../define.ts';
import { findFiles } from '../files.ts';
import { OWN_ARTIFACT } from './contents-schema.ts';

/** Contents that one step has something stated about. */
const CONTENTS_MAX = 64;
const IMAGE_HEX_CHARS = 12;

/** What of an input names contents. */
export interface ContentsInput {
  readonly artifact?: string;
  readonly image?: Digest;
  readonly name?: string;
}

/** Something that the run made, and that something is stated about. */
export interface Content {
  readonly name: string;
  readonly digest: Digest;
  /** Path below the working directory, beside which a statement about it alone is written. */
  readonly path: string;
  /** The artifact that such a statement is kept in. */
  readonly artifact: string;
  /** The content is a file of the checkout, and is kept as an artifact itself. */
  readonly isOwn: boolean;
}

/**
 * The contents that an input names; none where it names none.
 * @throws MaestroError ARTIFACT_NOT_FOUND where nothing is named so, INPUT_INVALID for too much
 */
export async function findContents(context: StepContext, input: ContentsInput): Promise<readonly Content[]> {
  const contents = [...(await filesOf(context, input)), ...imageOf(input)];
  checkContents(contents);
  return contents;
}

/** Files of the checkout that something is stated about, as the artifact that they are kept in. */
export function ownArtifacts(contents: readonly Content[]): readonly OwnArtifact[] {
  const paths = contents.filter(({ isOwn }) => isOwn).map(({ path }) => path);
  return paths.length === 0 ? [] : [{ name: OWN_ARTIFACT, paths, isRequired: true }];
}

async function filesOf(context: StepContext, { artifact }: ContentsInput): Promise<readonly Content[]> {
  if (artifact === undefined) return [];
  const made = await context.artifacts.find({ name: artifact });
  if (made.length > 0)
    return made.map(({ path, digest }) => ({ name: basename(path), digest, path, artifact, isOwn: false }));
  const { files } = await findFiles(context.workingDirectory, [artifact]);
  if (files.length === 0)
    throw new MaestroError(
      'ARTIFACT_NOT_FOUND',
      `expected an artifact ${artifact} of a step that this one needs, or files at ${artifact}, found neither`,
    );
  // Before any of them is sent: a glob may match all of a checkout.
  checkCount(files.length);
  const contents: Content[] = [];
  for (const { path } of files) {
    const { digest } = await context.storeFile(path);
    contents.push({ name: basename(path), digest, path, artifact: OWN_ARTIFACT, isOwn: true });
  }
  return contents;
}

function imageOf({ image, name = 'image' }: ContentsInput): readonly Content[] {
  if (image === undefined) return [];
  const path = `image-${hexOf(image).slice(0, IMAGE_HEX_CHARS)}`;
  return [{ name, digest: image, path, artifact: OWN_ARTIFACT, isOwn: false }];
}

function checkContents(contents: readonly Content[]): void {
  checkCount(contents.length);
  const paths = new Set(contents.map(({ path }) => path));
  if (paths.size < contents.length)
    throw new MaestroError(
      'INPUT_INVALID',
      'expected files with paths of their own: several steps left one of the same path',
    );
  // Statements are kept by globs.
  const odd = contents.find(({ path }) => /[*?[\]{}()!\\]/.test(path));
  if (odd) throw new MaestroError('INPUT_INVALID', `expected file names without *?[]{}()!, got ${odd.path}`);
}

function checkCount(count: number): void {
  if (count > CONTENTS_MAX)
    throw new MaestroError(
      'INPUT_INVALID',
      `expected at most ${CONTENTS_MAX} files, got ${count}: pack them into an archive`,
    );
}
