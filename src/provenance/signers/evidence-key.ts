import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { MaestroError } from '../../base/errors.ts';
import type { LogSigner } from '../evidence-log/log-signer.ts';
import { noteKeyId, verifierKeyText } from '../evidence-log/note-key.ts';
import { openKeyFile } from './key-file.ts';

/**
 * Signs checkpoints with the Ed25519 key in a PEM file, which is made on first use: see `openKeyFile`. It is not the key of
 * receipts: that one states what a run did, this one what the register holds.
 * @throws MaestroError KEY_INVALID
 */
export async function openEvidenceKey(path: string, origin: string): Promise<LogSigner> {
  const key = await openKeyFile(path, () => generateKeyPairSync('ed25519').privateKey);
  if (key.asymmetricKeyType !== 'ed25519')
    throw new MaestroError('KEY_INVALID', `expected an Ed25519 key at ${path}, got ${key.asymmetricKeyType ?? 'none'}`);
  const publicKey = createPublicKey(key);
  return {
    origin,
    keyId: noteKeyId(origin, publicKey),
    verifierKey: verifierKeyText(origin, publicKey),
    sign: async (bytes) => sign(null, bytes, key),
  };
}
