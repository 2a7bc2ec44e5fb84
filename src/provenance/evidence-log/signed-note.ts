import { demand, type VerificationCode } from '../verification-error.ts';
import type { LogSigner } from './log-signer.ts';
import { isNoteName, isNoteSignedBy, type NoteKey } from './note-key.ts';
import { strictBase64 } from './strict-base64.ts';

/** Sixteen signatures must be taken, and those that are safe from quantum computers have 5 kB. */
export const NOTE_BYTES_MAX = 131_072;
const SIGNATURES_MAX = 32;
const KEY_ID_BYTES = 4;
const MALFORMED: VerificationCode = 'CHECKPOINT_MALFORMED';
// oxlint-disable-next-line no-control-regex -- control characters are what a note must not hold
const CONTROL = /[\0-\x09\x0b-\x1f]/;

interface NoteSignature {
  readonly name: string;
  readonly keyId: string;
  readonly bytes: Uint8Array;
}

/**
 * Text and signature as one note: the text ends in a newline, an empty line separates.
 * @source https://c2sp.org/signed-note
 */
export async function signNote(text: string, signer: LogSigner): Promise<string> {
  const signature = Buffer.concat([Buffer.from(signer.keyId, 'hex'), await signer.sign(Buffer.from(text))]);
  return `${text}\n— ${signer.origin} ${signature.toString('base64')}\n`;
}

/**
 * Text of a note that the key has signed; signatures of other keys count for nothing.
 * @throws VerificationError CHECKPOINT_MALFORMED, KEY_UNKNOWN, SIGNATURE_COUNT, SIGNATURE_INVALID
 */
export function openNote(note: string, key: NoteKey): string {
  const { text, signatures } = splitNote(note);
  const own = signatures.filter(({ name, keyId }) => name === key.name && keyId === key.id);
  demand(own.length > 0, 'KEY_UNKNOWN', 'the checkpoint is not signed by the key of the register that is trusted here');
  demand(own.length === 1, 'SIGNATURE_COUNT', 'expected one signature of the register, got several');
  const isSigned = own.every(({ bytes }) => isNoteSignedBy(key, Buffer.from(text), bytes));
  demand(isSigned, 'SIGNATURE_INVALID', 'the signature of the register does not fit its checkpoint');
  return text;
}

function splitNote(note: string): { readonly text: string; readonly signatures: readonly NoteSignature[] } {
  demand(Buffer.byteLength(note) <= NOTE_BYTES_MAX, 'TOO_LARGE', `expected a note of at most ${NOTE_BYTES_MAX} bytes`);
  const isText = note.isWellFormed() && !note.includes('\ufffd') && !CONTROL.test(note);
  demand(isText, MALFORMED, 'expected a note of UTF-8 without control characters');
  const end = note.lastIndexOf('\n\n');
  demand(end > 0 && note.endsWith('\n'), MALFORMED, 'expected a text, an empty line, and lines of signatures');
  const lines = note.slice(end + 2, -1).split('\n');
  demand(lines.length <= SIGNATURES_MAX, 'SIGNATURE_COUNT', `expected at most ${SIGNATURES_MAX} signatures`);
  return { text: note.slice(0, end + 1), signatures: lines.map(readSignature) };
}

function readSignature(line: string): NoteSignature {
  const [dash, name = '', base64 = '', ...more] = line.split(' ');
  const bytes = strictBase64(base64);
  const isSignature = dash === '—' && isNoteName(name) && more.length === 0 && bytes && bytes.length > KEY_ID_BYTES;
  demand(isSignature === true, MALFORMED, 'expected a line of a dash, a name and a signature');
  const [keyId, signature] = [bytes?.subarray(0, KEY_ID_BYTES), bytes?.subarray(KEY_ID_BYTES)];
  return { name, keyId: keyId?.toString('hex') ?? '', bytes: signature ?? Buffer.alloc(0) };
}
