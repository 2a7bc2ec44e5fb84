import type { JsonObject } from '../../base/json.ts';
import { ANY_OBJECT } from '../../protocol/wire/schema.ts';
import type { OpenRoute } from '../route.ts';

/** The document of all other routes. */
export function documentRoute(document: JsonObject): OpenRoute {
  return {
    method: 'GET',
    path: '/api/v1/openapi.json',
    summary: 'The routes of this server.',
    caller: 'anyone',
    answer: ANY_OBJECT,
    handle: async () => document,
  };
}
