import { MaestroError } from '../src/base/errors.ts';

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);

/**
 * The address of a server, without a slash at the end. Identity tokens and webhooks cross it: plain http is for loopback
 * alone.
 * @param name of the setting
 * @throws MaestroError CONFIG_INVALID naming the setting, never showing a password
 */
export function originOf(name: string, text: string): string {
  if (!URL.canParse(text)) throw invalid(name, 'an https:// URL', 'something else');
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.has(url.hostname)))
    throw invalid(name, 'an https:// URL (http:// only for loopback)', `${url.protocol}//${url.host}`);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw invalid(name, 'an address without path, query or user', `${url.protocol}//${url.host}${url.pathname}`);
  return url.origin;
}

function invalid(name: string, expected: string, got: string): MaestroError {
  return new MaestroError('CONFIG_INVALID', `expected ${name} to be ${expected}, got ${got}`);
}
