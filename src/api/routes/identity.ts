import { CONFIGURATION_PATH, KEYS_PATH } from '../../auth/identity-issuer.ts';
import { ANY_OBJECT } from '../../protocol/wire/schema.ts';
import type { HttpApiTools } from '../http-api-tools.ts';
import type { OpenRoute } from '../route.ts';

/** Where others find the keys of the identity tokens that this server issues. Absent where it issues none. */
export function identityRoutes({ identity }: Pick<HttpApiTools, 'identity'>): readonly OpenRoute[] {
  if (!identity) return [];
  return [
    {
      method: 'GET',
      path: CONFIGURATION_PATH,
      summary: 'Which issuer this server is, and where its keys are, by OpenID Connect Discovery.',
      caller: 'anyone',
      answer: ANY_OBJECT,
      handle: async () => identity.configuration,
    },
    {
      method: 'GET',
      path: KEYS_PATH,
      summary: 'Public keys of the identity tokens that this server issues, as a JSON Web Key Set.',
      caller: 'anyone',
      answer: ANY_OBJECT,
      handle: async () => identity.keys,
    },
  ];
}
