import type { JsonObject } from '../../base/json.ts';
import type { AttestationKind } from '../../protocol/attestation.ts';
import { writeInside } from '../checkout-path.ts';
import type { OwnArtifact, StepAnswer, StepContext } from '../define.ts';
import {
  CONTENTS_DEPENDENCIES,
  CONTENTS_PROPERTIES,
  type Content,
  type ContentsInput,
  findContents,
} from './contents.ts';

/** JSON Schema of `ContentsInput`, where contents have to be named. */
export const ATTEST_INPUT: JsonObject = {
  type: 'object',
  additionalProperties: false,
  properties: CONTENTS_PROPERTIES,
  anyOf: [{ required: ['artifact'] }, { required: ['image'] }],
  dependentRequired: CONTENTS_DEPENDENCIES,
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

/**
 * Asks for one statement about each content that the input names, and writes it beside the content and into the same artifact.
 * @throws MaestroError as `findContents`, and what `attest` throws
 */
export async function attestContents(
  context: StepContext,
  input: ContentsInput,
  kind: AttestationKind,
  extension: string,
): Promise<StepAnswer> {
  const contents = await findContents(context, input);
  const attested: JsonObject[] = [];
  for (const { name, digest, path } of contents) {
    const bundle = `${path}${extension}`;
    await writeInside(context.workingDirectory, bundle, await context.attest({ kind, subjects: [{ name, digest }] }));
    context.log(`${kind} of ${name} (${digest}): ${bundle}`);
    attested.push({ name, digest, bundle });
  }
  return { kind: 'succeeded', result: { attested }, artifacts: artifactsOf(contents, extension) };
}

/** Statements join the artifact of what they are about. What was no artifact is kept beside its own. */
function artifactsOf(contents: readonly Content[], extension: string): readonly OwnArtifact[] {
  const paths = new Map<string, string[]>();
  for (const { artifact, path, isOwn } of contents)
    paths.set(artifact, [...(paths.get(artifact) ?? []), ...(isOwn ? [path] : []), `${path}${extension}`]);
  return [...paths].map(([name, paths]) => ({ name, paths, isRequired: true }));
}
