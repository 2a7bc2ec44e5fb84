import type { AttestationKind, AttestRequest } from '../../protocol/attestation.ts';
import { writeInside } from '../checkout-path.ts';
import type { StepContext } from '../define.ts';
import type { Content } from './contents.ts';

/** A JSON document that a step wrote, by its path below the working directory. */
export interface StatedDocument {
  readonly kind: AttestationKind;
  readonly path: string;
}

/**
 * Has a document stated about contents, all of them in one statement, and writes that beside the document: `sbom.cdx.intoto.jsonl` for
 * `sbom.cdx.json`. Answers its path; undefined where there is nothing that it could be about.
 * @throws what `storeFile` and `attest` throw
 */
export async function attestDocument(
  context: StepContext,
  contents: readonly Content[],
  { kind, path }: StatedDocument,
): Promise<string | undefined> {
  if (contents.length === 0) return undefined;
  const { digest: predicate } = await context.storeFile(path);
  const subjects = subjectsOf(contents);
  const statement = `${path.replace(/\.json$/, '')}.intoto.jsonl`;
  await writeInside(context.workingDirectory, statement, await context.attest({ kind, subjects, predicate }));
  context.log(`${kind} of ${subjects.map(({ name }) => name).join(', ')}: ${statement}`);
  return statement;
}

/** By their file names, which people know, or by their paths where those are not unique. */
function subjectsOf(contents: readonly Content[]): AttestRequest['subjects'] {
  const isUnique = new Set(contents.map(({ name }) => name)).size === contents.length;
  return contents.map(({ name, path, digest }) => ({ name: isUnique ? name : path, digest }));
}
