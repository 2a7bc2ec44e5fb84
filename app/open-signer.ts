import { SYSTEM_CLOCK } from '../src/base/clock.ts';
import type { Signer } from '../src/provenance/signer.ts';
import { openAwsKey } from '../src/provenance/signers/aws-kms.ts';
import { openAzureKey } from '../src/provenance/signers/azure-key-vault.ts';
import { openGcpKey } from '../src/provenance/signers/gcp-kms.ts';
import { type KeyService, openServiceSigner } from '../src/provenance/signers/key-service.ts';
import { openLocalSigner } from '../src/provenance/signers/local.ts';
import { openTransitKey } from '../src/provenance/signers/vault-transit.ts';
import { openVaultAccount } from '../src/secrets/vault/vault-account.ts';
import type { SigningConfig } from './signing-config.ts';

export interface OpenedSigner extends Signer {
  /** Gives back what it holds at the far end. Never fails. */
  close(): Promise<void>;
}

/**
 * The signer that the settings name. A service is asked for its public key now: a wrong setting shows when Maestro starts and
 * not when the first run has ended.
 * @throws KEY_INVALID, CONFIG_INVALID, SIGNER_UNAVAILABLE
 */
export async function openSigner({ key: place }: SigningConfig): Promise<OpenedSigner> {
  if (place.type === 'file') return { ...(await openLocalSigner(place.path)), close: async () => {} };
  if (place.type === 'kms') return { ...(await openServiceSigner(await keyOf(place.key))), close: async () => {} };
  const account = openVaultAccount(place.address, place.login, { fetch, clock: SYSTEM_CLOCK });
  try {
    const signer = await openServiceSigner(openTransitKey(place.key, account));
    return { ...signer, close: () => account.close() };
  } catch (error) {
    await account.close();
    throw error;
  }
}

type CloudKey = Extract<SigningConfig['key'], { type: 'kms' }>['key'];

function keyOf(key: CloudKey): Promise<KeyService> {
  if (key.type === 'aws') return openAwsKey(key);
  return key.type === 'gcp' ? openGcpKey(key) : openAzureKey(key);
}
