import { armor, Decrypter, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { MaestroError } from '../../base/errors.ts';
import { parseSealedDocument } from './document.ts';

const ARMOR = '-----BEGIN AGE ENCRYPTED FILE-----';
const IDENTITY = /^AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]+$/;
const IDENTITIES_MAX = 20;

/** A key pair that opens what is sealed to its recipient. */
export interface AgeIdentity {
  readonly identity: string;
  readonly recipient: string;
}

export async function newAgeIdentity(): Promise<AgeIdentity> {
  const identity = await generateIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/**
 * The identities in the text of a file as `age-keygen` writes it: one a line, comments begin with `#`.
 * @throws CONFIG_INVALID, which shows nothing of it
 */
export function parseIdentities(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (identities.length === 0 || identities.length > IDENTITIES_MAX || !identities.every((line) => IDENTITY.test(line)))
    throw new MaestroError('CONFIG_INVALID', 'expected lines that begin with AGE-SECRET-KEY-1, and comments');
  return identities;
}

/**
 * Opens a file that was sealed with age, armored or not.
 * @throws CONFIG_INVALID: no cause is kept, because it may tell of the identity or of what was inside
 */
export async function openSealed(sealed: Uint8Array, identities: readonly string[]): Promise<string> {
  const decrypter = decrypterFor(identities);
  let opened: Uint8Array;
  try {
    opened = await decrypter.decrypt(bytesOf(sealed));
  } catch {
    throw new MaestroError('CONFIG_INVALID', 'expected a file that was sealed with age to the given identity');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(opened);
  } catch {
    throw new MaestroError('CONFIG_INVALID', 'expected the sealed file to hold UTF-8 text');
  }
}

/**
 * Seals secrets to recipients (`age1…`), armored. Reads them first, so that what is wrong is told while it can be mended.
 * @throws CONFIG_INVALID, SECRET_UNUSABLE
 */
export async function sealSecrets(text: string, recipients: readonly string[]): Promise<string> {
  parseSealedDocument(text);
  const encrypter = new Encrypter();
  for (const recipient of recipients) addRecipient(encrypter, recipient);
  return armor.encode(await encrypter.encrypt(text));
}

function decrypterFor(identities: readonly string[]): Decrypter {
  const decrypter = new Decrypter();
  for (const [index, identity] of identities.entries())
    try {
      decrypter.addIdentity(identity);
    } catch {
      throw new MaestroError(
        'CONFIG_INVALID',
        `expected identity ${index + 1} to be whole: its checksum does not hold`,
      );
    }
  return decrypter;
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch {
    // It may be an identity that somebody gave by mistake.
    throw new MaestroError('CONFIG_INVALID', 'expected recipients to begin with age1: what `identity` prints');
  }
}

function bytesOf(sealed: Uint8Array): Uint8Array {
  const text = Buffer.from(sealed.subarray(0, ARMOR.length + 100)).toString('latin1');
  return text.trimStart().startsWith(ARMOR) ? armor.decode(Buffer.from(sealed).toString('latin1')) : sealed;
}
