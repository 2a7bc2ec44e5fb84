import { digestBytes, hexOf } from '../../base/digest.ts';
import { isJsonObject, type Json } from '../../base/json.ts';
import { orderedText } from '../ordered-json.ts';
import { STATEMENT_TYPE } from '../receipt.ts';
import { parseCanonicalJson } from '../strict-json.ts';
import { demand } from '../verification-error.ts';

export const DISCLOSURE_PREDICATE_TYPE = 'https://maestro-conductor.dev/attestations/disclosure/v1';
export const SUMS_NAME = 'SHA256SUMS';
export const SUMS_BUNDLE_NAME = 'SHA256SUMS.sigstore.json';
const PAYLOAD_BYTES_MAX = 4096;

export interface DisclosurePredicate {
  readonly schemaVersion: '1';
  readonly runId: string;
  readonly attempt: number;
  /** Identity of the receipt in the pack. */
  readonly receiptSha256: string;
}

/** What is signed of a pack: its list of digests, and whose it is. RFC 8785 text. */
export function disclosurePayload(sums: string, predicate: DisclosurePredicate): string {
  const { attempt, receiptSha256, runId, schemaVersion } = predicate;
  return orderedText({
    _type: STATEMENT_TYPE,
    predicate: { attempt, receiptSha256, runId, schemaVersion },
    predicateType: DISCLOSURE_PREDICATE_TYPE,
    subject: [{ digest: { sha256: hexOf(digestBytes(sums)) }, name: SUMS_NAME }],
  });
}

/**
 * The predicate of a statement that must be about this list of digests.
 * @throws VerificationError JSON_*, STATEMENT_MALFORMED, PREDICATE_TYPE_WRONG, SUBJECT_MISMATCH
 */
export function readDisclosurePayload(payload: Uint8Array, sums: string): DisclosurePredicate {
  const value = parseCanonicalJson(payload, PAYLOAD_BYTES_MAX);
  demand(isJsonObject(value), 'STATEMENT_MALFORMED', 'expected the payload to be an object');
  const { predicateType, predicate } = value;
  demand(
    predicateType === DISCLOSURE_PREDICATE_TYPE,
    'PREDICATE_TYPE_WRONG',
    `expected a ${DISCLOSURE_PREDICATE_TYPE}`,
  );
  demand(isPredicate(predicate), 'STATEMENT_MALFORMED', 'expected the predicate of a disclosure of version 1');
  const isSame = disclosurePayload(sums, predicate) === Buffer.from(payload).toString();
  demand(isSame, 'SUBJECT_MISMATCH', `what was signed is not this ${SUMS_NAME}`);
  return predicate;
}

function isPredicate(value: Json | undefined): value is Json & DisclosurePredicate {
  if (!isJsonObject(value)) return false;
  const { schemaVersion, runId, attempt, receiptSha256 } = value;
  return (
    schemaVersion === '1' &&
    typeof runId === 'string' &&
    Number.isSafeInteger(attempt) &&
    typeof receiptSha256 === 'string'
  );
}
