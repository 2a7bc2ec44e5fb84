import { HASH_BYTES } from '../merkle.ts';
import { demand } from '../verification-error.ts';
import { NOTE_BYTES_MAX } from './signed-note.ts';
import { strictBase64 } from './strict-base64.ts';

/** That a leaf is in a register: checked offline, with the leaf and the register's key. */
export interface TlogProof {
  readonly index: number;
  /** From the leaf's sibling up. */
  readonly hashes: readonly Uint8Array[];
  /** The signed checkpoint whose tree the proof leads to. */
  readonly checkpoint: string;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
const EXTRA_CHARS_MAX = 65_536;
/** A tree of 2^53 leaves is not deeper. */
const HASHES_MAX = 53;
const LINE_CHARS = 45;
const PROOF_CHARS_MAX = NOTE_BYTES_MAX + EXTRA_CHARS_MAX + HASHES_MAX * LINE_CHARS + 128;
const INDEX = /^index (0|[1-9]\d{0,15})$/;

/**
 * The proof as a text file, `.tlog-proof`.
 * @source https://c2sp.org/tlog-proof
 */
export function tlogProofText({ index, hashes, checkpoint }: TlogProof): string {
  const lines = hashes.map((hash) => Buffer.from(hash).toString('base64'));
  return [HEADER, `index ${index}`, ...lines, '', checkpoint].join('\n');
}

/** Nothing of it is checked yet but its form. @throws VerificationError LOG_PROOF_MALFORMED, TOO_LARGE */
export function readTlogProof(text: string): TlogProof {
  demand(text.length <= PROOF_CHARS_MAX, 'TOO_LARGE', `expected a proof of at most ${PROOF_CHARS_MAX} characters`);
  const end = text.indexOf('\n\n');
  demand(end > 0, 'LOG_PROOF_MALFORMED', 'expected a proof, an empty line, and a checkpoint');
  const [header, ...lines] = text.slice(0, end).split('\n');
  demand(header === HEADER, 'LOG_PROOF_MALFORMED', `expected a file that begins with ${HEADER}`);
  // Opaque, and not vouched for by anybody.
  const [first = '', ...hashes] = lines[0]?.startsWith('extra ') ? lines.slice(1) : lines;
  const index = Number(INDEX.exec(first)?.[1] ?? Number.NaN);
  demand(Number.isSafeInteger(index), 'LOG_PROOF_MALFORMED', 'expected the index of the leaf');
  demand(hashes.length <= HASHES_MAX, 'LOG_PROOF_MALFORMED', `expected at most ${HASHES_MAX} hashes`);
  return { index, hashes: hashes.map(readHash), checkpoint: text.slice(end + 2) };
}

export function readHash(base64: string): Uint8Array {
  const hash = strictBase64(base64);
  demand(hash?.length === HASH_BYTES, 'LOG_PROOF_MALFORMED', 'expected hashes of 32 bytes, in base64');
  return hash;
}
