import { createPublicKey } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import type { CryptographyClientOptions } from '@azure/keyvault-keys';
import { vendorLibrary } from '../../base/vendor-library.ts';
import { derOfHalves } from './ecdsa-form.ts';
import type { KeyService } from './key-service.ts';
import { KeyServiceError, SIGNING } from './key-service.ts';
import type { KmsKey } from './kms-uri.ts';

/** Tries after the first: whoever waits for a signature has 5 s. */
const RETRIES_MAX = 1;
const RETRY_MS = 200;

/**
 * A key of Azure Key Vault or Managed HSM: type EC or EC-HSM, curve P-256. It takes the permissions get and sign.
 * @param credential how this machine proves itself; undefined for the chain of `DefaultAzureCredential`
 */
export async function openAzureKey(
  { vaultUrl, name, version }: Extract<KmsKey, { type: 'azure' }>,
  credential?: TokenCredential,
  own: CryptographyClientOptions = {},
): Promise<KeyService> {
  const keys = await vendorLibrary('@azure/keyvault-keys', SIGNING, () => import('@azure/keyvault-keys'));
  const proof = credential ?? (await ownCredential());
  const options = { retryOptions: { maxRetries: RETRIES_MAX, retryDelayInMs: RETRY_MS }, ...own };
  const client = new keys.KeyClient(vaultUrl, proof, options);
  let signer = new keys.CryptographyClient(`${vaultUrl}/keys/${name}/${version}`, proof, options);
  return {
    name: `the Azure key ${vaultUrl}/keys/${name}/${version}`,
    publicKey: async (abortSignal) => {
      const found = await client.getKey(name, { version, abortSignal });
      // Given no more than the key's address it would fetch the key once more before it signs.
      signer = new keys.CryptographyClient(found, proof, options);
      const { key } = found;
      if (!key?.x || !key.y || !key.crv) throw new KeyServiceError('it answered no public key of a curve');
      const [x, y] = [key.x, key.y].map((half) => Buffer.from(half).toString('base64url'));
      return createPublicKey({ key: { kty: 'EC', crv: key.crv, x: x as string, y: y as string }, format: 'jwk' });
    },
    sign: async (digest, abortSignal) => derOfHalves((await signer.sign('ES256', digest, { abortSignal })).result),
  };
}

async function ownCredential(): Promise<TokenCredential> {
  const identity = await vendorLibrary('@azure/identity', SIGNING, () => import('@azure/identity'));
  return new identity.DefaultAzureCredential();
}
