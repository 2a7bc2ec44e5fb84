import { gzipSync } from 'node:zlib';
import type { Clock } from '../../base/clock.ts';
import { ERROR_CODES, type ErrorCode } from '../../base/error-codes.ts';
import { isMaestroError, MaestroError, messageOf } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { isSafeUrl } from '../../base/safe-url.ts';
import { backoffMs, type Pause } from '../pause.ts';

export type Fetch = typeof globalThis.fetch;

export interface WireOptions {
  /** The server's public URL. */
  readonly url: string;
  readonly fetch: Fetch;
  readonly pause: Pause;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
}

export interface WireCall {
  readonly method?: 'GET' | 'PUT';
  readonly path: string;
  readonly body?: object;
  /** Instead of `body`: sent as it comes. */
  readonly stream?: ReadableStream<Uint8Array>;
  readonly isGzip?: true;
  readonly bytesMax?: number;
  /** Instead of the session's. */
  readonly token?: string;
  /** An answer later than this counts as none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How a call is repeated that fails for a passing reason. */
export interface Repeats {
  /** Asked after each failure: how long to wait at least before the next try; undefined where there is to be none. */
  readonly pauseMsOf?: (error: unknown) => number | undefined;
  /** Tries may take so long together before that counts as waiting. */
  readonly triesMsMax?: number;
  /** Once it has fired, nothing is tried again. */
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 30_000;
const GZIP_BYTES_MIN = 1024;
const PROBLEM_CHARS_MAX = 4000;
const BACKOFF = { initialMs: 100, maxMs: 5000 };
/** How long a call that may be repeated is tried, pauses included: as long as a server takes to be replaced. */
const RETRY_MS_MAX = 90_000;
/** A server that wants to be left alone for longer is asked sooner all the same: the step waits. */
const RETRY_AFTER_MS_MAX = 30_000;

/** Calls over HTTP: what went wrong comes back as the error that the server meant, or as NETWORK_FAILED. */
export class Wire {
  readonly #options: WireOptions;
  readonly #base: string;
  /** Of the session; set once it is there. */
  token: string | undefined;

  /** @throws CONFIG_INVALID for a server to which secrets would travel in the open */
  constructor(options: WireOptions) {
    if (!isSafeUrl(options.url))
      throw new MaestroError(
        'CONFIG_INVALID',
        `expected an https server (http only on this machine), got ${options.url}`,
      );
    this.#options = options;
    this.#base = options.url.replace(/\/+$/, '');
  }

  async ask(call: WireCall): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.send(call);
    const value = await answer.json().catch((error: unknown) => {
      throw networkFailed('the answer is no JSON', error);
    });
    if (!isJsonObject(value)) throw networkFailed('the answer is no JSON object');
    return value;
  }

  /** Asks again while that may help: only for calls that change nothing when they are repeated. */
  askAgain(call: WireCall): Promise<Readonly<Record<string, unknown>>> {
    return this.again(() => this.ask(call));
  }

  /** Repeats what fails for a passing reason, as late as the server asks, until it lasts too long. */
  async again<T>(body: () => Promise<T>, { pauseMsOf = () => 0, triesMsMax = 0, signal }: Repeats = {}): Promise<T> {
    const { pause, random, clock } = this.#options;
    let triedMs = 0;
    let pausedMs = 0;
    for (let failures = 0; ; failures++) {
      const begunAt = clock.now();
      try {
        return await body();
      } catch (error) {
        triedMs += Math.max(0, clock.now() - begunAt);
        const isOver = pausedMs + Math.max(0, triedMs - triesMsMax) >= RETRY_MS_MAX || signal?.aborted === true;
        const pauseMs = isPassing(error) && !isOver ? pauseMsOf(error) : undefined;
        if (pauseMs === undefined) throw error;
        // Many wait for the same server: they must not come back in the same instant.
        const askedForMs = Math.max(pauseMs, retryAfterMsOf(error)) * (1 + random() / 2);
        const delayMs = Math.max(backoffMs(failures, BACKOFF, random), Math.round(askedForMs));
        pausedMs += delayMs;
        await pause(delayMs, signal);
      }
    }
  }

  async send(call: WireCall): Promise<Response> {
    const { method = 'POST', path, stream, timeoutMs = TIMEOUT_MS, signal } = call;
    const { headers, body } = this.#bodyOf(call);
    // A stream lasts as long as it lasts: the server ends one that stands still.
    const limit = stream ? [] : [AbortSignal.timeout(timeoutMs)];
    const answer = await this.#options
      .fetch(`${this.#base}/api/v1${path}`, {
        method,
        headers,
        // A redirect would take the token along.
        redirect: 'error',
        signal: AbortSignal.any([...limit, ...(signal ? [signal] : [])]),
        ...(body === undefined ? {} : { body, duplex: 'half' as const }),
      })
      .catch((error: unknown) => {
        throw networkFailed(reasonOf(error), error);
      });
    if (!answer.ok) throw await problemOf(answer);
    return answer;
  }

  #bodyOf({ body, stream, isGzip, token = this.token, bytesMax = Number.POSITIVE_INFINITY }: WireCall): {
    headers: Record<string, string>;
    body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined;
  } {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (stream) return { headers: { ...headers, 'content-type': 'application/octet-stream' }, body: stream };
    if (!body) return { headers, body: undefined };
    headers['content-type'] = 'application/json';
    const text = JSON.stringify(body);
    const sizeBytes = Buffer.byteLength(text);
    // Refused here: a server that refuses it while it still arrives looks like a broken network.
    if (sizeBytes > bytesMax)
      throw new MaestroError('REQUEST_TOO_LARGE', `expected at most ${bytesMax} bytes for one call, got ${sizeBytes}`);
    if (!isGzip || sizeBytes < GZIP_BYTES_MIN) return { headers, body: text };
    return { headers: { ...headers, 'content-encoding': 'gzip' }, body: new Uint8Array(gzipSync(text, { level: 1 })) };
  }
}

function isPassing(error: unknown): boolean {
  return !isMaestroError(error) || ERROR_CODES[error.code].isRetryable;
}

/** An answer that says how long to wait before the same is asked again. */
class Postponed extends MaestroError {
  readonly retryAfterMs: number;

  constructor(error: MaestroError, retryAfterMs: number) {
    super(error.code, error.message);
    this.retryAfterMs = retryAfterMs;
  }
}

function retryAfterMsOf(error: unknown): number {
  return error instanceof Postponed ? Math.min(error.retryAfterMs, RETRY_AFTER_MS_MAX) : 0;
}

async function problemOf(answer: Response): Promise<MaestroError> {
  const error = await toldError(answer);
  const retryAfterMs = Number(answer.headers.get('retry-after') ?? '') * 1000;
  return retryAfterMs > 0 ? new Postponed(error, retryAfterMs) : error;
}

/** The error that the server's RFC 9457 document names; anything else is the way there. */
async function toldError(answer: Response): Promise<MaestroError> {
  const problem: unknown = await answer.json().catch(() => undefined);
  if (isJsonObject(problem) && typeof problem.code === 'string' && Object.hasOwn(ERROR_CODES, problem.code))
    return new MaestroError(problem.code as ErrorCode, textOf(problem.detail));
  return networkFailed(`it answered ${answer.status}`);
}

function textOf(detail: unknown): string {
  return typeof detail === 'string' ? detail.slice(0, PROBLEM_CHARS_MAX) : 'the server did not say why';
}

function networkFailed(why: string, cause?: unknown): MaestroError {
  return new MaestroError('NETWORK_FAILED', `the server could not be asked: ${why}`, { cause });
}

/** `fetch failed` says nothing: the cause does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? `${messageOf(error)} (${messageOf(cause)})` : messageOf(error);
}
