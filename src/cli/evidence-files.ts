import { readFileSync, statSync } from 'node:fs';
import { MaestroError } from '../base/errors.ts';
import { type NoteKey, readVerifierKey } from '../provenance/evidence-log/note-key.ts';
import { readTlogProof } from '../provenance/evidence-log/tlog-proof.ts';
import { VerificationError } from '../provenance/verification-error.ts';

/** A checkpoint, a proof and a key are small. */
const FILE_BYTES_MAX = 1_048_576;

/** A verifier key that somebody trusts. @throws FILE_NOT_READABLE, KEY_INVALID */
export function readLogKeyFile(path: string): NoteKey {
  try {
    return readVerifierKey(readSmallFile(path));
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    throw new MaestroError('KEY_INVALID', `${path}: ${error.message}`, { cause: error });
  }
}

/** A checkpoint that was kept, alone or within a `.tlog-proof`. */
export function readKeptCheckpoint(path: string): string {
  const text = readSmallFile(path);
  return text.startsWith('c2sp.org/tlog-proof@') ? readTlogProof(text).checkpoint : text;
}

export function readSmallFile(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new MaestroError('FILE_NOT_READABLE', `expected a file at ${path}`);
  if (stat.size > FILE_BYTES_MAX)
    throw new MaestroError('FILE_TOO_LARGE', `${path} has ${stat.size} bytes, expected at most ${FILE_BYTES_MAX}`);
  return readFileSync(path, 'utf8');
}
