import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { demand } from '../verification-error.ts';
import { strictBase64 } from './strict-base64.ts';

/** Ed25519, as the register of signature types of signed notes has it. */
const TYPE_ED25519 = 1;
const KEY_BYTES = 32;
const KEY_CHARS_MAX = 1024;
/** What SPKI puts before the 32 bytes of an Ed25519 key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
/** A name holds neither spaces nor a plus, as the format of notes wants it, and nothing that a terminal would act on. */
const NAME = /^[^\s+\p{C}\p{Z}]{1,256}$/u;

/** Who signs notes: name and id together say which key. */
export interface NoteKey {
  readonly name: string;
  /** 4 bytes as 8 hex digits. Short: it names the key and proves nothing. */
  readonly id: string;
  readonly key: KeyObject;
}

/**
 * The verifier key of an Ed25519 public key under a name: `name+id+base64(type || key)`.
 * @source https://c2sp.org/signed-note
 */
export function verifierKeyText(name: string, key: KeyObject): string {
  const encoded = encodedKey(key);
  return `${name}+${keyId(name, encoded)}+${encoded.toString('base64')}`;
}

export function noteKeyId(name: string, key: KeyObject): string {
  return keyId(name, encodedKey(key));
}

export function isNoteName(text: string): boolean {
  return NAME.test(text);
}

/** @throws VerificationError KEY_INVALID where the text is no verifier key with an Ed25519 key */
export function readVerifierKey(text: string): NoteKey {
  const line = text.trim();
  // The base64 may hold a plus as well: the first two separate.
  const [name = '', id = '', ...rest] = line.length <= KEY_CHARS_MAX ? line.split('+') : [];
  const encoded = strictBase64(rest.join('+'));
  const isKey =
    isNoteName(name) && encoded?.length === 1 + KEY_BYTES && encoded[0] === TYPE_ED25519 && id === keyId(name, encoded);
  demand(isKey, 'KEY_INVALID', 'expected a verifier key of a register (name+id+key, with an Ed25519 key)');
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, encoded.subarray(1)]), type: 'spki', format: 'der' });
  return { name, id, key };
}

/** Whether the key has signed exactly these bytes: Ed25519. */
export function isNoteSignedBy({ key }: Pick<NoteKey, 'key'>, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, bytes, key, signature);
}

function encodedKey(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' }) as Buffer;
  return Buffer.concat([Uint8Array.of(TYPE_ED25519), spki.subarray(SPKI_PREFIX.length)]);
}

function keyId(name: string, encoded: Uint8Array): string {
  return createHash('sha256').update(`${name}\n`).update(encoded).digest('hex').slice(0, 8);
}
