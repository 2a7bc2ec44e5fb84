import { MaestroError } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { PAYLOAD_BYTES_MAX } from '../receipt.ts';
import { parseStrictJson } from '../strict-json.ts';
import { VerificationError } from '../verification-error.ts';
import { predicateFault } from './predicate-fault.ts';
import type { StatementKind } from './predicate-types.ts';

/** What is left of a payload for the predicate, beside the subjects. */
export const PREDICATE_BYTES_MAX = PAYLOAD_BYTES_MAX - 1_048_576;

/**
 * A document that a step wrote, as a predicate.
 *
 * Every parser must read it alike: duplicate keys, lone surrogates, numbers that a double cannot hold and deep nesting are
 * refused, because a signature would otherwise stand under two documents. Throws INPUT_INVALID.
 */
export function readPredicate(kind: StatementKind, bytes: Uint8Array): JsonObject {
  const value = parse(kind, bytes);
  const fault = isJsonObject(value) ? predicateFault(kind, value) : 'expected a JSON object';
  if (fault !== undefined || !isJsonObject(value))
    throw new MaestroError('INPUT_INVALID', `the document is no predicate of kind ${kind}: ${fault ?? ''}`);
  return value;
}

function parse(kind: StatementKind, bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, PREDICATE_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    const message = `the document is no predicate of kind ${kind}: ${error.code}: ${error.message}`;
    throw new MaestroError('INPUT_INVALID', message, { cause: error });
  }
}
