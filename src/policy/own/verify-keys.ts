import { createPublicKey, type KeyObject } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestJson } from '../../base/digest.ts';
import { MaestroError, messageOf } from '../../base/errors.ts';

interface VerifyKey {
  readonly key: KeyObject;
  /** The only algorithm that a signature of this key may name. */
  readonly algorithm: 'ES256' | 'RS256';
}

/** What the operator trusts to sign own rules. */
export interface VerifyKeys {
  readonly byId: ReadonlyMap<string, VerifyKey>;
  readonly folder: string;
  /** Changes with any of them. */
  readonly digest: string;
}

const KEYS_MAX = 64;
const KEY_CHARS_MAX = 8192;
const RSA_BITS_MIN = 2048;
const FILE = /^([A-Za-z0-9][\w.-]{0,63})\.pem$/;
/** One public key and nothing beside it: OpenSSL would make a public key of a private one, which does not belong here. */
const PEM = /^\s*-----BEGIN PUBLIC KEY-----\r?\n(?:[A-Za-z0-9+/=]+\r?\n)+-----END PUBLIC KEY-----\s*$/;

/**
 * The keys in a folder: `ID.pem` holds the public key whose id `opa build --verification-key-id ID` writes into a signature.
 * @throws MaestroError CONFIG_INVALID
 */
export async function readVerifyKeys(folder: string): Promise<VerifyKeys> {
  const texts: Record<string, string> = {};
  try {
    const names = (await readdir(folder)).filter((name) => FILE.test(name)).sort();
    if (names.length > KEYS_MAX) throw new RangeError(`more than ${KEYS_MAX} keys`);
    for (const name of names) texts[name] = await readFile(join(folder, name), 'utf8');
  } catch (cause) {
    throw new MaestroError('CONFIG_INVALID', `cannot read the keys of own rules: ${messageOf(cause)}`, { cause });
  }
  const byId = new Map(
    Object.entries(texts).map(([name, text]) => [FILE.exec(name)?.[1] ?? '', readKey(join(folder, name), text)]),
  );
  return { byId, folder, digest: digestJson(texts) };
}

function readKey(path: string, text: string): VerifyKey {
  const key = text.length <= KEY_CHARS_MAX && PEM.test(text) ? parsed(text) : undefined;
  const { namedCurve, modulusLength = 0 } = key?.asymmetricKeyDetails ?? {};
  if (key && namedCurve === 'prime256v1') return { key, algorithm: 'ES256' };
  if (key?.asymmetricKeyType === 'rsa' && modulusLength >= RSA_BITS_MIN) return { key, algorithm: 'RS256' };
  throw new MaestroError(
    'CONFIG_INVALID',
    `expected ${path} to hold one public key, PEM (-----BEGIN PUBLIC KEY-----): P-256, or RSA of ${RSA_BITS_MIN} bits or more`,
  );
}

function parsed(text: string): KeyObject | undefined {
  try {
    return createPublicKey(text);
  } catch {
    return undefined;
  }
}
