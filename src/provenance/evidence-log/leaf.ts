import { canonicalJson } from '../../base/canonical-json.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { leafHash } from '../merkle.ts';
import { parseCanonicalJson } from '../strict-json.ts';
import { demand } from '../verification-error.ts';

/**
 * What the register holds: that an attempt of a run began, or with which receipt it ended. No names, so that the register of
 * private repositories may be shown to anybody.
 */
export type EvidenceLeaf = OpenLeaf | CloseLeaf;

interface LeafOfRun {
  readonly v: 1;
  /** The run's public id. */
  readonly runId: string;
  readonly attempt: number;
}

interface OpenLeaf extends LeafOfRun {
  readonly kind: 'open';
}

interface CloseLeaf extends LeafOfRun {
  readonly kind: 'close';
  /** Identity of the run's receipt: 64 lower-case hex digits. */
  readonly payloadSha256: string;
}

const LEAF_BYTES_MAX = 1024;
const ATTEMPT_MAX = 2_147_483_647;
const RUN_ID = /^[0-9a-z]{1,64}$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** The leaf as RFC 8785 JSON: these bytes are hashed. */
export function leafText(leaf: EvidenceLeaf): string {
  return canonicalJson(leaf as unknown as JsonObject);
}

export function hashOfLeaf(leaf: EvidenceLeaf): Buffer {
  return leafHash(leafText(leaf));
}

/** @throws VerificationError LEAF_MALFORMED, or a code of what is wrong with its JSON */
export function readLeaf(text: string): EvidenceLeaf {
  const value = parseCanonicalJson(Buffer.from(text), LEAF_BYTES_MAX);
  demand(isJsonObject(value), 'LEAF_MALFORMED', 'expected a leaf to be a JSON object');
  const { v, kind, runId, attempt, payloadSha256, ...more } = value;
  demand(
    v === 1 && Object.keys(more).length === 0,
    'LEAF_MALFORMED',
    'expected a leaf of version 1 and no other field',
  );
  demand(typeof runId === 'string' && RUN_ID.test(runId), 'LEAF_MALFORMED', 'expected a leaf with the id of a run');
  const isAttempt = Number.isInteger(attempt) && Number(attempt) >= 1 && Number(attempt) <= ATTEMPT_MAX;
  demand(isAttempt, 'LEAF_MALFORMED', 'expected a leaf with the number of an attempt');
  const ofRun = { v, runId, attempt: Number(attempt) } as const;
  if (kind === 'open') {
    demand(payloadSha256 === undefined, 'LEAF_MALFORMED', 'expected no receipt where a run begins');
    return { ...ofRun, kind };
  }
  const isReceipt = typeof payloadSha256 === 'string' && SHA256.test(payloadSha256);
  demand(
    kind === 'close' && isReceipt,
    'LEAF_MALFORMED',
    'expected a leaf that opens, or one that closes with a receipt',
  );
  return { ...ofRun, kind, payloadSha256 };
}
