import type { JsonObject } from '../../base/json.ts';
import type { AttestationKind } from '../../protocol/attestation.ts';
import { writeInside } from '../checkout-path.ts';
import type { OwnArtifact, StepAnswer, StepContext } from '../define.ts';
import { type Content, type ContentsInput, findContents } from './contents.ts';

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
