import { createPublicKey } from 'node:crypto';
import type { KeyManagementServiceClient } from '@google-cloud/kms';
import { vendorLibrary } from '../../base/vendor-library.ts';
import type { KeyService } from './key-service.ts';
import { KeyServiceError, SIGNING } from './key-service.ts';
import type { KmsKey } from './kms-uri.ts';

type ClientOptions = NonNullable<ConstructorParameters<typeof KeyManagementServiceClient>[0]>;

/** `google.rpc.Code`, by number. */
const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/**
 * A key version of Google Cloud KMS: `EC_SIGN_P256_SHA256`. It takes `cloudkms.cryptoKeyVersions.viewPublicKey` and `.useToSign`.
 * Spoken over REST: gRPC keeps a connection open that would hold the process.
 * @param own settings of the client beyond the key's; application default credentials where they name none
 */
export async function openGcpKey(
  { version, endpoint }: Extract<KmsKey, { type: 'gcp' }>,
  own: ClientOptions = {},
): Promise<KeyService> {
  const gcp = await vendorLibrary('@google-cloud/kms', SIGNING, () => import('@google-cloud/kms'));
  const client = new gcp.KeyManagementServiceClient({ fallback: true, ...placeOf(endpoint), ...own });
  return {
    name: `the Google Cloud KMS key ${version}`,
    publicKey: async () => {
      const [{ pem }] = await named(() => client.getPublicKey({ name: version }));
      if (typeof pem !== 'string') throw new KeyServiceError('it answered no public key');
      return createPublicKey(pem);
    },
    sign: async (sha256) => {
      const [{ signature }] = await named(() => client.asymmetricSign({ name: version, digest: { sha256 } }));
      if (signature === null || signature === undefined) throw new KeyServiceError('it answered no signature');
      return typeof signature === 'string' ? Buffer.from(signature, 'base64') : signature;
    },
  };
}

function placeOf(endpoint: string | undefined): ClientOptions {
  if (endpoint === undefined) return {};
  const { hostname, port, protocol } = new URL(endpoint);
  return {
    apiEndpoint: hostname,
    ...(port !== '' && { port: Number(port) }),
    ...(protocol === 'http:' && { protocol: 'http' }),
  };
}

async function named<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    const name = typeof code === 'number' ? CODES[code] : undefined;
    throw name === undefined ? error : new KeyServiceError(name);
  }
}
