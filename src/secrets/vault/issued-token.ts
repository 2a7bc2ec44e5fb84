import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { unavailable } from './vault-client.ts';
import type { IssuedToken } from './vault-tokens.ts';

/**
 * What a login was answered.
 * @throws SECRETS_UNAVAILABLE
 */
export function issuedTokenOf({ auth }: JsonObject): IssuedToken {
  if (!isJsonObject(auth) || typeof auth.client_token !== 'string' || auth.client_token === '')
    throw unavailable('it answered a login without a token');
  const { client_token: text, lease_duration: leaseS, num_uses: uses, token_type: type } = auth;
  return {
    text,
    livesMs: typeof leaseS === 'number' && leaseS > 0 ? leaseS * 1000 : 0,
    isReusable: uses === undefined || uses === 0,
    isRevocable: type !== 'batch',
  };
}
