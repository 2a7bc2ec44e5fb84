import type { JsonObject } from '../src/base/json.ts';
import { listKeys } from '../src/provenance/key-ring.ts';
import type { Signer } from '../src/provenance/signer.ts';
import { type KnownKey, trustedKeysDocument } from '../src/provenance/trusted-keys.ts';
import { keyRingOf, type SigningConfig } from './signing-config.ts';

/**
 * What verifies the receipts of this conductor: the key that signs, wherever it is kept, and the older ones of the file of
 * trusted keys. Read when the server starts.
 * @throws KEY_INVALID for a file that is none
 */
export async function publicKeysOf(config: SigningConfig, { publicKeyPem }: Signer): Promise<JsonObject> {
  return trustedKeysDocument(await knownKeysOf(config, publicKeyPem));
}

/** The same as they are now, for the conductor itself. */
export async function knownKeysOf(config: SigningConfig, publicKeyPem: string): Promise<readonly KnownKey[]> {
  const keys = await listKeys(keyRingOf(config), publicKeyPem);
  // Hints are for lists: a verifier computes them, and must not believe them.
  return keys.map(({ hint: _hint, isCurrent: _isCurrent, ...key }) => key);
}
