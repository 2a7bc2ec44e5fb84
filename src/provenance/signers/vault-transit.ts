import { createPublicKey, type KeyObject } from 'node:crypto';
import { messageOf } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { type KeyService, KeyServiceError } from './key-service.ts';
import type { KmsKey } from './kms-uri.ts';

/** A vault to which this machine is logged in; the door joins it with the room of secrets, which knows how. */
export interface VaultCalls {
  call(call: { readonly path: string; readonly body?: JsonObject; readonly signal: AbortSignal }): Promise<{
    readonly status: number;
    readonly body: JsonObject;
  }>;
}

const SIGNATURE = /^vault:v(\d+):([A-Za-z0-9+/]+={0,2})$/;

/**
 * A key of the transit engine of HashiCorp Vault or OpenBao: type `ecdsa-p256`. It takes `read` of `MOUNT/keys/KEY` and `update`
 * of `MOUNT/sign/KEY/*`. The version in use is the named one, or the newest when the signer is opened: a rotation over there
 * takes effect here when somebody restarts, and not between two receipts.
 */
export function openTransitKey(
  { mount, name, version: wanted }: Extract<KmsKey, { type: 'vault' }>,
  vault: VaultCalls,
): KeyService {
  let version = wanted;
  return {
    name: `the transit key ${mount}/${name}`,
    publicKey: async (signal) => {
      const data = await read(vault, { path: `${mount}/keys/${name}`, signal });
      version ??= latestOf(data);
      return keyOf(data, version);
    },
    sign: async (digest, signal) => {
      const body = {
        input: Buffer.from(digest).toString('base64'),
        prehashed: true,
        marshaling_algorithm: 'asn1',
        ...(version !== undefined && { key_version: version }),
      };
      const { signature } = await read(vault, { path: `${mount}/sign/${name}/sha2-256`, body, signal });
      const [, , base64 = ''] = (typeof signature === 'string' && SIGNATURE.exec(signature)) || [];
      if (base64 === '') throw new KeyServiceError('it answered no signature of the form vault:vN:BASE64');
      return Buffer.from(base64, 'base64');
    },
  };
}

async function read(vault: VaultCalls, call: Parameters<VaultCalls['call']>[0]): Promise<JsonObject> {
  // The cause is the reason without what was sent; the message is for those who want secrets.
  const answer = await vault.call(call).catch((error: Error) => {
    throw new KeyServiceError(messageOf(error.cause ?? error));
  });
  if (answer.status !== 200) throw new KeyServiceError(`it answered ${answer.status}`);
  if (!isJsonObject(answer.body.data)) throw new KeyServiceError('it answered no data');
  return answer.body.data;
}

function latestOf({ latest_version: latest }: JsonObject): number {
  if (typeof latest !== 'number' || !Number.isSafeInteger(latest)) throw new KeyServiceError('it answered no version');
  return latest;
}

function keyOf({ keys, type }: JsonObject, version: number): KeyObject {
  const key = isJsonObject(keys) ? keys[String(version)] : undefined;
  const pem = isJsonObject(key) ? key.public_key : undefined;
  if (typeof pem !== 'string' || !pem.includes('PUBLIC KEY'))
    throw new KeyServiceError(`it has no public key of version ${version}: its type is ${shown(type)}`);
  return createPublicKey(pem);
}

function shown(type: unknown): string {
  return typeof type === 'string' && /^[\w-]{1,40}$/.test(type) ? type : 'unknown';
}
