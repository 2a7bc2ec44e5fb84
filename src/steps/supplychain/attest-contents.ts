import { basename } from 'node:path';
import { type Digest, hexOf } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import type { AttestationKind } from '../../protocol/attestation.ts';
import { writeInside } from '../checkout-path.ts';
import type { OwnArtifact, StepAnswer, StepContext } from '../define.ts';
import { findFiles } from '../files.ts';

/** Statements that one step asks for: each content has its own. */
const CONTENTS_MAX = 64;
/** The artifact under which files of the checkout are kept that are no artifact of a step before. */
const OWN_ARTIFACT = 'attested';
const IMAGE_HEX_CHARS = 12;

export interface AttestInput {
  readonly artifact?: string;
  readonly image?: Digest;
  readonly name?: string;
}

/** JSON Schema of `AttestInput`. */
export const ATTEST_INPUT: JsonObject = {
  type: 'object',
  additionalProperties: false,
  properties: {
    artifact: {
      type: 'string',
      minLength: 1,
      description: 'Name of an artifact of a step before, or a glob over files in the working directory',
    },
    image: {
      type: 'string',
      pattern: '^sha256:[0-9a-f]{64}$',
      description: 'Digest of the manifest of an image, which is among the artifacts of the steps before',
    },
    name: { type: 'string', minLength: 1, maxLength: 512, description: 'Name of the image, such as ghcr.io/acme/app' },
  },
  anyOf: [{ required: ['artifact'] }, { required: ['image'] }],
  dependentRequired: { name: ['image'] },
};

/** JSON Schema of what such a step answers. */
export const ATTEST_OUTPUT: JsonObject = {
  type: 'object',
  required: ['attested'],
  properties: {
    attested: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'digest', 'bundle'],
        properties: { name: { type: 'string' }, digest: { type: 'string' }, bundle: { type: 'string' } },
      },
    },
  },
};

interface Content {
  readonly name: string;
  readonly digest: Digest;
  /** Path below the working directory, beside which the statement is written. */
  readonly path: string;
  /** The artifact that the statement is kept in. */
  readonly artifact: string;
  /** The content is a file of the checkout, and kept with its statement. */
  readonly isOwn: boolean;
}

/**
 * Asks for one statement about each content that the input names, and writes it beside the content and into the same artifact.
 * @throws MaestroError ARTIFACT_NOT_FOUND where nothing is named so, INPUT_INVALID for too much, and what `attest` throws
 */
export async function attestContents(
  context: StepContext,
  input: AttestInput,
  kind: AttestationKind,
  extension: string,
): Promise<StepAnswer> {
  const contents = [...(await filesOf(context, input)), ...imageOf(input)];
  checkContents(contents);
  const attested: JsonObject[] = [];
  for (const { name, digest, path } of contents) {
    const bundle = `${path}${extension}`;
    await writeInside(context.workingDirectory, bundle, await context.attest({ kind, subjects: [{ name, digest }] }));
    context.log(`${kind} of ${name} (${digest}): ${bundle}`);
    attested.push({ name, digest, bundle });
  }
  return { kind: 'succeeded', result: { attested }, artifacts: artifactsOf(contents, extension) };
}

async function filesOf(context: StepContext, { artifact }: AttestInput): Promise<readonly Content[]> {
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

function imageOf({ image, name = 'image' }: AttestInput): readonly Content[] {
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

/** Statements join the artifact of what they are about. What was no artifact is kept beside its own. */
function artifactsOf(contents: readonly Content[], extension: string): readonly OwnArtifact[] {
  const paths = new Map<string, string[]>();
  for (const { artifact, path, isOwn } of contents)
    paths.set(artifact, [...(paths.get(artifact) ?? []), ...(isOwn ? [path] : []), `${path}${extension}`]);
  return [...paths].map(([name, paths]) => ({ name, paths, isRequired: true }));
}
