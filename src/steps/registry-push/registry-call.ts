import { setTimeout as delay } from 'node:timers/promises';
import { isMaestroError, MaestroError, messageOf } from '../../base/errors.ts';
import { egressFor, isEgressAllowed } from '../http/egress.ts';
import { isLoopback } from '../oci/image-name.ts';

/** Answers that are kept: manifests are the longest. */
const ANSWER_BYTES_MAX = 4_194_304;
const REDIRECTS_MAX = 5;
const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Until an answer to a small request; large bodies get more, by their size. */
const ANSWER_MS_MAX = 60_000;
/** The slowest line that a body is sent over: beneath it the registry hangs. */
const BYTES_PER_MS_MIN = 32;
/** Tries of a request that was told to wait. */
const WAITS_MAX = 4;
const WAIT_MS_DEFAULT = 1000;
/** A registry that wants a longer pause is asked again by the step's retry policy. */
const WAIT_MS_MAX = 60_000;

export interface CallRules {
  readonly origin: URL;
  /** What the step declares; empty: the registry's own host alone. */
  readonly egress: readonly string[];
  readonly signal: AbortSignal;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Blob | Uint8Array<ArrayBuffer>;
}

export interface RegistryAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** Where the answer came from at last. */
  readonly url: URL;
}

/**
 * One request of a registry's API and its answer, whatever its status, held to the step's egress list.
 *
 * A 429 is waited for as it asks, within limits. Only reading follows redirects, and no credential follows them to another
 * origin; a request that carries content is never redirected, because nobody named where it would go.
 *
 * @throws MaestroError POLICY_DENIED, NETWORK_FAILED, STEP_TIMED_OUT, OUTPUT_TOO_LARGE, RATE_LIMITED
 */
export async function callRegistry(request: RegistryRequest, rules: CallRules): Promise<RegistryAnswer> {
  for (let waits = 0; ; waits++) {
    const answer = await followed(request, rules);
    if (answer.status !== 429) return answer;
    const waitMs = waitMsOf(answer.headers.get('retry-after'));
    if (waits >= WAITS_MAX || waitMs > WAIT_MS_MAX)
      throw new MaestroError('RATE_LIMITED', `${answer.url.host} answered 429, too many requests, again and again`);
    await delay(waitMs, undefined, { signal: rules.signal });
  }
}

/** Throws POLICY_DENIED for a host that the step may not reach, NETWORK_FAILED where it would be reached without TLS. */
function assertReachable(url: URL, { origin, egress }: Pick<CallRules, 'origin' | 'egress'>): void {
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url)))
    throw new MaestroError('NETWORK_FAILED', `expected https:// for ${url.host}: only this machine is reached without`);
  if (url.username !== '' || url.password !== '')
    throw new MaestroError('NETWORK_FAILED', `expected an address without user and password for ${url.host}`);
  if (!isEgressAllowed(url, egressFor(origin, egress)))
    throw new MaestroError(
      'POLICY_DENIED',
      `the step does not declare egress to ${url.host}: name each host that the registry uses in \`egress\``,
    );
}

async function followed(request: RegistryRequest, rules: CallRules): Promise<RegistryAnswer> {
  let url = request.url;
  const headers = new Headers(request.headers);
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    assertReachable(url, rules);
    const answer = await sendOnce({ ...request, url }, headers, rules.signal);
    const location = REDIRECT_STATUSES.has(answer.status) ? answer.headers.get('location') : null;
    if (location === null) return answer;
    const next = URL.parse(location, url.href);
    if (!next || (request.method !== 'GET' && request.method !== 'HEAD'))
      throw new MaestroError('NETWORK_FAILED', `${url.host} redirects what is sent to it: name the host that is meant`);
    if (next.origin !== url.origin) headers.delete('authorization');
    url = next;
  }
  throw new MaestroError('NETWORK_FAILED', `expected at most ${REDIRECTS_MAX} redirects from ${request.url.host}`);
}

async function sendOnce(request: RegistryRequest, headers: Headers, signal: AbortSignal): Promise<RegistryAnswer> {
  const { method, url, body } = request;
  const sizeBytes = body === undefined ? 0 : body instanceof Blob ? body.size : body.byteLength;
  const timeoutMs = Math.ceil(ANSWER_MS_MAX + sizeBytes / BYTES_PER_MS_MIN);
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, headers: response.headers, bytes: await readAnswer(response, url), url };
  } catch (error) {
    throw explained(error, url, timeoutMs, signal);
  }
}

async function readAnswer(response: Response, url: URL): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of response.body ?? []) {
    sizeBytes += part.byteLength;
    if (sizeBytes > ANSWER_BYTES_MAX)
      throw new MaestroError('OUTPUT_TOO_LARGE', `expected at most ${ANSWER_BYTES_MAX} bytes from ${url.host}`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Seconds, or a date. @source RFC 9110, 10.2.3 */
function waitMsOf(text: string | null): number {
  if (text === null) return WAIT_MS_DEFAULT;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // A date would need a clock that agrees with the registry's; the usual pause is as good.
  return WAIT_MS_DEFAULT;
}

function explained(error: unknown, url: URL, timeoutMs: number, signal: AbortSignal): unknown {
  if (isMaestroError(error) || signal.aborted) return error;
  if (error instanceof Error && error.name === 'TimeoutError')
    return new MaestroError('STEP_TIMED_OUT', `${url.host} did not answer within ${timeoutMs} ms`);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = messageOf(cause) || (cause as NodeJS.ErrnoException).code || 'unknown cause';
  return new MaestroError('NETWORK_FAILED', `could not reach ${url.host}: ${reason}`, { cause: error });
}
