import { SYSTEM_CLOCK } from '../src/base/clock.ts';
import { demandCounting } from '../src/provenance/key-ring.ts';
import type { Signer } from '../src/provenance/signer.ts';
import { openAwsKey } from '../src/provenance/signers/aws-kms.ts';
import { openAzureKey } from '../src/provenance/signers/azure-key-vault.ts';
import { openGcpKey } from '../src/provenance/signers/gcp-kms.ts';
import { type KeyService, openServiceSigner } from '../src/provenance/signers/key-service.ts';
import { openLocalSigner } from '../src/provenance/signers/local.ts';
import { openTransitKey } from '../src/provenance/signers/vault-transit.ts';
import { openVaultAccount } from '../src/secrets/vault/vault-account.ts';
import { keyRingOf, type SigningConfig } from './signing-config.ts';

export interface OpenedSigner extends Signer {
  /** Gives back what it holds at the far end. Never fails. */
  close(): Promise<void>;
}

/**
 * The signer that the settings name, of a process that is there to sign. A service is asked for its public key now, and the key is held
 * against the file of trusted keys: a wrong setting shows when Maestro starts and not when the first run has ended.
 * @throws KEY_INVALID, KEY_RETIRED, CONFIG_INVALID, SIGNER_UNAVAILABLE
 */
export async function openSigner(config: SigningConfig): Promise<OpenedSigner> {
  const signer = await open(config.key);
  try {
    await demandCounting(keyRingOf(config), signer.publicKeyPem, SYSTEM_CLOCK.now());
    return signer;
  } catch (error) {
    await signer.close();
    throw error;
  }
}

/** Is held against the file of trusted keys each time that something is to be signed. */
export interface DemandingSigner extends OpenedSigner {
  /** @throws KEY_RETIRED for a key whose signatures nobody would accept, KEY_INVALID for a file that cannot be read */
  demandCounting(): Promise<void>;
}

/**
 * The same, of a process that may be asked for nothing but to read: with a key that does not count any more it signs nothing, and shows
 * what was signed before.
 * @throws KEY_INVALID, CONFIG_INVALID, SIGNER_UNAVAILABLE
 */
export async function openDemandingSigner(config: SigningConfig): Promise<DemandingSigner> {
  const signer = await open(config.key);
  const demand = (): Promise<void> => demandCounting(keyRingOf(config), signer.publicKeyPem, SYSTEM_CLOCK.now());
  return {
    ...signer,
    sign: async (bytes) => {
      await demand();
      return signer.sign(bytes);
    },
    demandCounting: demand,
  };
}

async function open(place: SigningConfig['key']): Promise<OpenedSigner> {
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
