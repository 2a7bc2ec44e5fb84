import { HASH_BYTES, type TreeHead } from '../merkle.ts';
import { demand } from '../verification-error.ts';
import type { LogSigner } from './log-signer.ts';
import type { NoteKey } from './note-key.ts';
import { openNote, signNote } from './signed-note.ts';
import { strictBase64 } from './strict-base64.ts';

/** What a register says of itself: so many leaves, with that root. */
export interface Checkpoint extends TreeHead {
  readonly origin: string;
}

const SIZE = /^(?:0|[1-9]\d{0,15})$/;

/**
 * A signed checkpoint, as text.
 * @source https://c2sp.org/tlog-checkpoint
 */
export function signCheckpoint({ size, root }: TreeHead, signer: LogSigner): Promise<string> {
  return signNote(`${signer.origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`, signer);
}

/**
 * Reads a checkpoint whose signature holds, of the register that the key is of.
 * @throws VerificationError CHECKPOINT_MALFORMED, KEY_UNKNOWN, SIGNATURE_COUNT, SIGNATURE_INVALID, TOO_LARGE
 */
export function openCheckpoint(note: string, key: NoteKey): Checkpoint {
  const [origin = '', size = '', root = '', ...extensions] = openNote(note, key).slice(0, -1).split('\n');
  demand(origin === key.name, 'KEY_UNKNOWN', 'the checkpoint is of another register than the key');
  const isSize = SIZE.test(size) && Number.isSafeInteger(Number(size));
  demand(isSize, 'CHECKPOINT_MALFORMED', 'expected the number of leaves in the second line of a checkpoint');
  const hash = strictBase64(root);
  demand(hash?.length === HASH_BYTES, 'CHECKPOINT_MALFORMED', 'expected a root hash in the third line of a checkpoint');
  demand(!extensions.includes(''), 'CHECKPOINT_MALFORMED', 'expected no empty line within a checkpoint');
  return { origin, size: Number(size), root: hash };
}
