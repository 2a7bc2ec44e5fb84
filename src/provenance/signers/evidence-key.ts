import { createPublicKey, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import { MaestroError } from '../../base/errors.ts';
import type { LogSigner } from '../evidence-log/log-signer.ts';
import { noteKeyId, verifierKeyText } from '../evidence-log/note-key.ts';
import { openKeyFile } from './key-file.ts';

const FINGERPRINT_CHARS = 16;

/**
 * Signs checkpoints with the Ed25519 key in a PEM file, which is made on first use: see `openKeyFile`. It is not the key of
 * receipts: that one states what a run did, this one what the register holds.
 *
 * Without an origin the register is named after its key, because two registers of one name and key would look like one that
 * was forked.
 * @throws MaestroError KEY_INVALID
 */
export async function openEvidenceKey(path: string, given?: string): Promise<LogSigner> {
  const key = await openKeyFile(path, () => generateKeyPairSync('ed25519').privateKey);
  if (key.asymmetricKeyType !== 'ed25519')
    throw new MaestroError('KEY_INVALID', `expected an Ed25519 key at ${path}, got ${key.asymmetricKeyType ?? 'none'}`);
  const publicKey = createPublicKey(key);
  const origin = given ?? `maestro.local/${fingerprintOf(publicKey)}`;
  return {
    origin,
    keyId: noteKeyId(origin, publicKey),
    verifierKey: verifierKeyText(origin, publicKey),
    sign: async (bytes) => sign(null, bytes, key),
  };
}

function fingerprintOf(key: KeyObject): string {
  return hash('sha256', key.export({ type: 'spki', format: 'der' }), 'hex').slice(0, FINGERPRINT_CHARS);
}
