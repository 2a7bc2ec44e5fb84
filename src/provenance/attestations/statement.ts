import { canonicalJson } from '../../base/canonical-json.ts';
import { type Digest, digestBytes, hexOf } from '../../base/digest.ts';
import { MaestroError } from '../../base/errors.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { encodeUnprintable, PAYLOAD_BYTES_MAX, STATEMENT_TYPE, SUBJECTS_MAX, type Subject } from '../receipt.ts';
import { PREDICATE_TYPES, type StatementKind } from './predicate-types.ts';

/** An in-toto Statement v1 of any predicate. */
export interface Statement<Predicate extends JsonObject = JsonObject> {
  readonly _type: typeof STATEMENT_TYPE;
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: Predicate;
}

/** What a statement is about: a content, under the name that people know it by. */
export interface AttestedContent {
  readonly name: string;
  readonly digest: Digest;
}

export interface SignableStatement {
  /** RFC 8785 text: the bytes that are signed. */
  readonly payload: string;
  /** The statement's identity, in hex. */
  readonly payloadSha256: string;
}

/**
 * A statement about contents, ready to be signed: pure, so equal arguments give equal bytes on every machine.
 *
 * Names become printable ASCII, as in receipts. Throws INPUT_INVALID for no subject, or for two of one name that differ;
 * FILE_TOO_LARGE for a payload over 16 MiB; INVALID_JSON for text that has no UTF-8 form.
 */
export function buildStatement(
  kind: StatementKind,
  contents: readonly AttestedContent[],
  predicate: JsonObject,
): SignableStatement {
  return statementOf(
    kind,
    contents.map(({ name, digest }) => ({ name: encodeUnprintable(name), digest })),
    predicate,
  );
}

/** The same of contents whose names are those of a receipt's subjects already. */
export function statementOf(
  kind: StatementKind,
  contents: readonly AttestedContent[],
  predicate: JsonObject,
): SignableStatement {
  const subject = subjectsOf(contents);
  const statement = { _type: STATEMENT_TYPE, subject, predicateType: PREDICATE_TYPES[kind], predicate };
  const payload = canonicalJson(statement as unknown as Json);
  const bytes = Buffer.byteLength(payload);
  if (bytes > PAYLOAD_BYTES_MAX)
    throw new MaestroError(
      'FILE_TOO_LARGE',
      `expected a statement of at most ${PAYLOAD_BYTES_MAX} bytes, got ${bytes}`,
    );
  return { payload, payloadSha256: hexOf(digestBytes(payload)) };
}

function subjectsOf(contents: readonly AttestedContent[]): readonly Subject[] {
  const named = new Map<string, Digest>();
  for (const { name, digest } of contents) {
    const known = named.get(name);
    if (name === '' || (known !== undefined && known !== digest))
      throw new MaestroError(
        'INPUT_INVALID',
        `expected subjects that each have a name of their own, got ${name} twice`,
      );
    named.set(name, digest);
  }
  if (named.size === 0 || named.size > SUBJECTS_MAX)
    throw new MaestroError('INPUT_INVALID', `expected 1 to ${SUBJECTS_MAX} subjects, got ${named.size}`);
  return [...named].map(([name, digest]) => ({ name, digest: { sha256: hexOf(digest) } }));
}
