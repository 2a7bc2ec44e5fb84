import { ANY_OBJECT } from '../../protocol/wire/schema.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import type { OpenRoute } from '../route.ts';

const TRUSTED_KEYS_PATH = '/.well-known/maestro/keys.json';

/** Where others find the public keys of this server's receipts. Whoever fetches them trusts its address, and TLS. */
export function trustedKeysRoutes({ trustedKeys }: Pick<HttpApiTools, 'trustedKeys'>): readonly OpenRoute[] {
  if (!trustedKeys) return [];
  return [
    {
      method: 'GET',
      path: TRUSTED_KEYS_PATH,
      summary: 'Public keys of the receipts of this server, with the times in which they count.',
      caller: 'anyone',
      answer: ANY_OBJECT,
      handle: async () => trustedKeys,
    },
  ];
}
