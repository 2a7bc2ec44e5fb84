import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { MaestroError } from '../../base/errors.ts';
import { CURVE, toPublicKey } from '../public-key.ts';
import type { Signer } from '../signer.ts';
import { draftKeyFile, openKeyFile, readKeyFile } from './key-file.ts';

/**
 * Signs with the P-256 key in a PEM file, which is made on first use: see `openKeyFile`. Throws KEY_INVALID for a file that
 * others may read, that is no key, or whose key is on another curve.
 */
export async function openLocalSigner(path: string): Promise<Signer> {
  return signerOf(await openKeyFile(path, newKey), path);
}

/** PEM of the public half; undefined where there is no key yet. Throws KEY_INVALID as `openLocalSigner` does. */
export async function readLocalPublicKey(path: string): Promise<string | undefined> {
  const key = await readKeyFile(path);
  return key === undefined ? undefined : signerOf(key, path).publicKeyPem;
}

/** A new key beside the one at `path`, to be moved over it. */
export async function draftLocalKey(path: string): Promise<{ readonly path: string; readonly publicKeyPem: string }> {
  const key = newKey();
  const draft = await draftKeyFile(path, key);
  return { path: draft, publicKeyPem: signerOf(key, draft).publicKeyPem };
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: CURVE }).privateKey;
}

function signerOf(key: KeyObject, path: string): Signer {
  const publicKey = toPublicKey(createPublicKey(key));
  if (!publicKey) {
    const found = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'an unknown kind';
    throw new MaestroError('KEY_INVALID', `expected a P-256 key at ${path}, got ${found}`);
  }
  return {
    publicKeyPem: publicKey.pem,
    keyHint: publicKey.hint,
    sign: (bytes) => Promise.resolve(sign('sha256', bytes, key)),
  };
}
