import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';
import { MaestroError, messageOf } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { isSafeUrl } from '../base/safe-url.ts';

/** A token with an unknown key id makes the keys be fetched again: at most this often, whoever sends what. */
const COOLDOWN_MS = 30_000;
const CACHE_MS = 600_000;
const TIMEOUT_MS = 5000;
const DOCUMENT_BYTES_MAX = 262_144;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Keys of one issuer, found by its discovery document, fetched when they are first needed and kept.
 * @param issuer the configured issuer: no token chooses where keys come from
 * @throws CONFIG_INVALID where the issuer is neither https nor this machine; the keys reject with NETWORK_FAILED
 */
export function openIssuerKeys(issuer: string, fetch: Fetch): JWTVerifyGetKey {
  if (!isSafeUrl(issuer)) throw new MaestroError('CONFIG_INVALID', `expected an https issuer, got ${issuer}`);
  let keys: JWTVerifyGetKey | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  return async (header, token) => {
    if (!keys) {
      if (performance.now() - failedAt < COOLDOWN_MS / 30) throw unreachable(issuer, 'it failed a moment ago');
      try {
        keys = keySet(await discover(issuer, fetch), fetch);
      } catch (error) {
        failedAt = performance.now();
        throw error;
      }
    }
    return keys(header, token);
  };
}

function keySet(url: URL, fetch: Fetch): JWTVerifyGetKey {
  return createRemoteJWKSet(url, {
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: CACHE_MS,
    timeoutDuration: TIMEOUT_MS,
    [customFetch]: async (address, init) => {
      const answer = await readBounded(address, fetch, init.signal ?? AbortSignal.timeout(TIMEOUT_MS));
      return new Response(answer, { status: 200, headers: { 'content-type': 'application/json' } });
    },
  });
}

async function discover(issuer: string, fetch: Fetch): Promise<URL> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = parse(await readBounded(url, fetch, AbortSignal.timeout(TIMEOUT_MS)));
  if (!isJsonObject(document) || document.issuer !== issuer || typeof document.jwks_uri !== 'string')
    throw unreachable(issuer, 'its discovery document names another issuer, or no keys');
  // Keys from elsewhere would let whoever can change the document alone speak for the issuer.
  if (!URL.canParse(document.jwks_uri) || new URL(document.jwks_uri).origin !== new URL(issuer).origin)
    throw unreachable(issuer, 'its discovery document names keys of another origin');
  return new URL(document.jwks_uri);
}

async function readBounded(url: string, fetch: Fetch, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const answer = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
    if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const part of answer.body ?? []) {
      sizeBytes += part.byteLength;
      if (sizeBytes > DOCUMENT_BYTES_MAX) throw new Error(`it answered more than ${DOCUMENT_BYTES_MAX} bytes`);
      parts.push(part);
    }
    return new Uint8Array(Buffer.concat(parts));
  } catch (error) {
    throw unreachable(url, messageOf(error), error);
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

function unreachable(what: string, why: string, cause?: unknown): MaestroError {
  return new MaestroError('NETWORK_FAILED', `expected the keys of the token issuer at ${what}: ${why}`, { cause });
}
