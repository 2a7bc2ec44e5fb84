import { isMaestroError, MaestroError, messageOf } from '../../base/errors.ts';
import { egressFor, isEgressAllowed } from './egress.ts';

export const RESPONSE_BYTES_MAX = 1_048_576;
export const REDIRECTS_MAX = 5;
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);
/** Belong to one origin: never handed to another by a redirect. */
const CREDENTIAL_HEADERS = ['authorization', 'cookie', 'proxy-authorization', 'x-api-key'];

export interface HttpRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  /** Hosts that the step declares; empty: the URL's own alone. */
  readonly egress: readonly string[];
  /** Headers that hold one of them are credentials too. */
  readonly secrets: readonly string[];
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Sends one request and reads its answer, whatever its status is.
 *
 * Redirects are followed up to `REDIRECTS_MAX`, each held to http(s) and the egress list, or to the host of the URL where the list
 * is empty; credentials and bodies do not leave the origin that they were meant for.
 *
 * @throws MaestroError INPUT_INVALID for a URL or header that cannot be used, POLICY_DENIED for a host that the step may
 * not reach, OUTPUT_TOO_LARGE for a long answer, STEP_TIMED_OUT, NETWORK_FAILED
 */
export async function sendHttp(request: HttpRequest): Promise<HttpResponse> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(request.timeoutMs)]);
  let { method, body } = request;
  let url = checkedUrl(request.url, undefined);
  const egress = egressFor(url, request.egress);
  assertEgress(url, egress);
  const headers = headersOf(request.headers);
  try {
    for (let redirects = 0; ; redirects++) {
      const response = await fetch(url, {
        method,
        headers,
        redirect: 'manual',
        signal,
        ...(body === undefined ? {} : { body }),
      });
      const location = REDIRECT_STATUSES.has(response.status) ? response.headers.get('location') : null;
      if (location === null)
        return {
          url: url.href,
          status: response.status,
          headers: Object.fromEntries(response.headers),
          body: await readBody(response),
        };
      await response.body?.cancel();
      if (redirects >= REDIRECTS_MAX)
        throw new MaestroError(
          'NETWORK_FAILED',
          `expected at most ${REDIRECTS_MAX} redirects from ${new URL(request.url).host}`,
        );
      const next = checkedUrl(location, url);
      assertEgress(next, egress);
      if (becomesGet(response.status, method)) {
        method = 'GET';
        body = undefined;
        headers.delete('content-type');
      }
      if (next.origin !== url.origin) {
        if (body !== undefined)
          throw new MaestroError(
            'NETWORK_FAILED',
            `${url.host} redirects a request with a body to ${next.host}: name that host in \`url\` if it is meant`,
          );
        dropCredentials(headers, request.secrets);
      }
      url = next;
    }
  } catch (error) {
    throw explained(error, request, url);
  }
}

function checkedUrl(text: string, base: URL | undefined): URL {
  const url = URL.parse(text, base?.href);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new MaestroError('INPUT_INVALID', 'expected a URL that begins with http:// or https://');
  if (url.username !== '' || url.password !== '')
    throw new MaestroError('INPUT_INVALID', 'expected a URL without user and password: give an Authorization header');
  return url;
}

function assertEgress(url: URL, egress: readonly string[]): void {
  if (!isEgressAllowed(url, egress))
    throw new MaestroError(
      'POLICY_DENIED',
      `the step does not declare egress to ${url.host}: name each host that it reaches, by redirects too, in \`egress\``,
    );
}

function headersOf(given: Readonly<Record<string, string>>): Headers {
  try {
    return new Headers(given);
  } catch {
    // The library's message quotes the value, which may be a secret.
    throw new MaestroError(
      'INPUT_INVALID',
      `expected headers that HTTP can carry, got one that it cannot among ${Object.keys(given).join(', ')}`,
    );
  }
}

/** @source https://fetch.spec.whatwg.org/#http-redirect-fetch step 12 */
function becomesGet(status: number, method: string): boolean {
  return (
    (status === 303 && method !== 'GET' && method !== 'HEAD') ||
    ((status === 301 || status === 302) && method === 'POST')
  );
}

function dropCredentials(headers: Headers, secrets: readonly string[]): void {
  for (const name of CREDENTIAL_HEADERS) headers.delete(name);
  for (const [name, value] of Array.from(headers)) {
    if (secrets.some((secret) => secret !== '' && value.includes(secret))) headers.delete(name);
  }
}

async function readBody(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of response.body ?? []) {
    sizeBytes += part.byteLength;
    if (sizeBytes > RESPONSE_BYTES_MAX)
      throw new MaestroError(
        'OUTPUT_TOO_LARGE',
        `expected an answer of at most ${RESPONSE_BYTES_MAX} bytes: download larger ones in a script, as an artifact`,
      );
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8').replaceAll('\0', '\ufffd');
}

function explained(error: unknown, request: HttpRequest, url: URL): unknown {
  if (isMaestroError(error) || request.signal.aborted) return error;
  if (error instanceof Error && error.name === 'TimeoutError')
    return new MaestroError('STEP_TIMED_OUT', `${url.host} did not answer within ${request.timeoutMs} ms`);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new MaestroError(
    'NETWORK_FAILED',
    `could not reach ${url.host}: ${messageOf(cause) || (cause as NodeJS.ErrnoException).code || 'unknown cause'}`,
    { cause: error },
  );
}
