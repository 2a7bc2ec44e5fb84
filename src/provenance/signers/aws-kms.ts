import { createPublicKey } from 'node:crypto';
import type { KMSClientConfig } from '@aws-sdk/client-kms';
import { vendorLibrary } from '../../base/vendor-library.ts';
import type { KeyService } from './key-service.ts';
import { KeyServiceError, SIGNING } from './key-service.ts';
import type { KmsKey } from './kms-uri.ts';

/** The first call and one more: whoever waits for a signature has 5 s. */
const TRIES_MAX = 2;

/**
 * A key of AWS KMS: `ECC_NIST_P256`, usage `SIGN_VERIFY`. It takes `kms:GetPublicKey` and `kms:Sign`.
 * @param own settings of the client beyond the key's; its own way to find credentials where they name none
 */
export async function openAwsKey(
  { keyId, region, endpoint }: Extract<KmsKey, { type: 'aws' }>,
  own: KMSClientConfig = {},
): Promise<KeyService> {
  const aws = await vendorLibrary('@aws-sdk/client-kms', SIGNING, () => import('@aws-sdk/client-kms'));
  const client = new aws.KMSClient({ region, maxAttempts: TRIES_MAX, ...(endpoint && { endpoint }), ...own });
  return {
    name: `the AWS KMS key ${keyId}`,
    publicKey: async (abortSignal) => {
      const { PublicKey } = await client.send(new aws.GetPublicKeyCommand({ KeyId: keyId }), { abortSignal });
      return createPublicKey({ key: Buffer.from(present(PublicKey)), format: 'der', type: 'spki' });
    },
    sign: async (digest, abortSignal) => {
      const command = new aws.SignCommand({
        KeyId: keyId,
        Message: digest,
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      });
      return present((await client.send(command, { abortSignal })).Signature);
    },
  };
}

function present(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new KeyServiceError('it answered without what was asked for');
  return bytes;
}
