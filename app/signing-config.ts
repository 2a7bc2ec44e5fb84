import { join, resolve } from 'node:path';
import { MaestroError, messageOf } from '../src/base/errors.ts';
import type { KeyRingPlace } from '../src/provenance/key-ring.ts';
import { isKmsUri, type KmsKey, parseKmsUri } from '../src/provenance/signers/kms-uri.ts';
import type { VaultLogin } from '../src/secrets/vault/vault-account.ts';
import { originOf } from './origin.ts';

/** Which key signs receipts, and which others verified them before. Paths are absolute. */
export interface SigningConfig {
  readonly key: SigningKeyPlace;
  /** Public keys with what is known about them; it need not be there. */
  readonly trustedKeysFile: string;
}

type SigningKeyPlace =
  | { readonly type: 'file'; readonly path: string }
  | { readonly type: 'kms'; readonly key: Exclude<KmsKey, { type: 'vault' }> }
  | {
      readonly type: 'vault';
      readonly key: Extract<KmsKey, { type: 'vault' }>;
      readonly address: { readonly url: string; readonly namespace: string | undefined };
      readonly login: VaultLogin;
    };

/** Reads a variable of the environment; empty counts as absent. */
type Read = (name: string) => string | undefined;

interface Folders {
  /** What relative paths are relative to. */
  readonly root: string;
  readonly keyFolder: string;
}

const NAME = 'MAESTRO_SIGNING_KEY';
const PREFIX = 'MAESTRO_KMS_VAULT_';
/** An address of something else than a key service that we know: never a path, which would be a new key in a file. */
const ADDRESS = /^[a-z][a-z\d+.-]*:\/\//i;
const MOUNT = /^[\w-]+(?:\/[\w-]+)*$/;
const ROLE = /^[\w.-]+(?:\/[\w.-]+)*\/?$/;

/** @throws CONFIG_INVALID naming the variable */
export function readSigningConfig(read: Read, { root, keyFolder }: Folders): SigningConfig {
  const trusted = read('MAESTRO_TRUSTED_KEYS');
  return {
    key: placeOf(read, root, keyFolder),
    trustedKeysFile: trusted === undefined ? join(keyFolder, 'keys.json') : resolve(root, trusted),
  };
}

export function keyRingOf({ key, trustedKeysFile }: SigningConfig): KeyRingPlace {
  return { keyFile: key.type === 'file' ? key.path : undefined, ringFile: trustedKeysFile };
}

function placeOf(read: Read, root: string, keyFolder: string): SigningKeyPlace {
  const text = read(NAME);
  if (text === undefined) return { type: 'file', path: join(keyFolder, 'signing-key.pem') };
  if (!isKmsUri(text)) {
    if (ADDRESS.test(text)) throw invalid(NAME, 'the path of a PEM file, or kms://…, got an address of another kind');
    return { type: 'file', path: resolve(root, text) };
  }
  const key = parsed(text);
  if (key.type !== 'vault') return { type: 'kms', key };
  const url = read(`${PREFIX}URL`) ?? missing(`${PREFIX}URL`, 'the address of the vault that holds the signing key');
  const namespace = read(`${PREFIX}NAMESPACE`);
  if (namespace !== undefined && !ROLE.test(namespace)) throw invalid(`${PREFIX}NAMESPACE`, 'a namespace');
  return { type: 'vault', key, address: { url: originOf(`${PREFIX}URL`, url), namespace }, login: loginOf(read, root) };
}

function loginOf(read: Read, root: string): VaultLogin {
  const file = (name: string): string => resolve(root, read(name) ?? missing(name, 'a file'));
  const [token, roleId, role] = ['TOKEN_FILE', 'ROLE_ID', 'ROLE'].map((name) => read(PREFIX + name));
  if ([token, roleId, role].filter((given) => given !== undefined).length !== 1) {
    const ways = ['TOKEN_FILE', 'ROLE_ID with SECRET_ID_FILE', 'ROLE with JWT_FILE'].map((way) => PREFIX + way);
    throw new MaestroError('CONFIG_INVALID', `expected exactly one of ${ways.join(', ')}`);
  }
  if (token !== undefined) return { method: 'token', tokenFile: resolve(root, token) };
  const mount = read(`${PREFIX}MOUNT`) ?? (roleId === undefined ? 'jwt' : 'approle');
  if (!MOUNT.test(mount)) throw invalid(`${PREFIX}MOUNT`, 'the path of a login method below auth/');
  if (roleId !== undefined) return { method: 'approle', mount, roleId, secretIdFile: file(`${PREFIX}SECRET_ID_FILE`) };
  return { method: 'jwt', mount, role: role ?? '', jwtFile: file(`${PREFIX}JWT_FILE`) };
}

function parsed(text: string): KmsKey {
  try {
    return parseKmsUri(text);
  } catch (cause) {
    throw new MaestroError('CONFIG_INVALID', `${NAME}: ${messageOf(cause)}`);
  }
}

function missing(name: string, meaning: string): never {
  throw new MaestroError('CONFIG_INVALID', `expected ${name}: ${meaning}; it is not set`);
}

function invalid(name: string, expected: string): MaestroError {
  return new MaestroError('CONFIG_INVALID', `expected ${name} to be ${expected}`);
}
