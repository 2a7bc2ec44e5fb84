import { MaestroError } from '../../base/errors.ts';

/** How a registry wants to be asked. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string | undefined };

const HEADER_LENGTH_MAX = 4096;
const PARAMETER = /\s*,?\s*([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/giy;

/**
 * The first challenge of a `WWW-Authenticate` header that this client can answer.
 *
 * Its `scope` is not read: what is asked for is said by the client, not by whoever answers it.
 * @source https://distribution.github.io/distribution/spec/auth/token/ and RFC 9110, 11.6.1
 */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null || header.length > HEADER_LENGTH_MAX) return undefined;
  const [, scheme = '', rest = ''] = /^\s*(basic|bearer)(?:\s+(.*))?$/is.exec(header) ?? [];
  if (scheme.toLowerCase() === 'basic') return { scheme: 'basic' };
  if (scheme.toLowerCase() !== 'bearer') return undefined;
  const parameters = parametersOf(rest);
  const realm = parameters.get('realm');
  return realm === undefined ? undefined : { scheme: 'bearer', realm, service: parameters.get('service') };
}

function parametersOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  PARAMETER.lastIndex = 0;
  for (let match = PARAMETER.exec(text); match; match = PARAMETER.exec(text)) {
    const [, name = '', quoted, bare] = match;
    // The first counts: a second realm would be one that a reader of the header overlooks.
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '');
  }
  return found;
}

/** The token of an answer. Throws REGISTRY_REFUSED for an answer without one, or with one that no header can carry. */
export function tokenOf(text: string, host: string): string {
  const answer = parsed(text);
  const token = answer.token ?? answer.access_token;
  if (typeof token === 'string' && /^[\x21-\x7e]{1,65536}$/.test(token)) return token;
  throw new MaestroError('REGISTRY_REFUSED', `expected a token from ${host}, got an answer without one`);
}

function parsed(text: string): { readonly token?: unknown; readonly access_token?: unknown } {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}
