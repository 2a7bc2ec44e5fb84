import canonicalize from 'canonicalize';
import { MaestroError } from './errors.ts';
import type { Json } from './json.ts';

/**
 * RFC 8785 (JCS) text of a JSON value.
 *
 * Refuses what JCS cannot carry faithfully: lone surrogates (they have no UTF-8 form) and, through the library,
 * non-finite numbers.
 */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value);
  if (text === undefined) throw new MaestroError('INVALID_JSON', 'expected a JSON value, got undefined');
  if (!text.isWellFormed())
    throw new MaestroError('INVALID_JSON', 'a string holds a lone surrogate, which has no UTF-8 form');
  return text;
}
