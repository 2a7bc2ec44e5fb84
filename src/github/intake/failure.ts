import { ERROR_CODES } from '../../base/error-codes.ts';
import { isMaestroError, MaestroError } from '../../base/errors.ts';

/**
 * GitHub's secondary limits answer 403 with a text, its primary ones with headers; 409 is a git repository in motion. 401: a
 * token that was taken back or is not known everywhere yet, or clocks that differ.
 */
const STATUSES_RETRYABLE = new Set([401, 408, 409, 425, 429]);
const FORBIDDEN = 403;
const NOT_FOUND = 404;
/** Where the App asks for a token of an installation. */
const TOKEN_URL = /\/app\/installations\/\d+\/access_tokens$/;
/** Limits are counted by the hour. */
const PAUSE_MS_MAX = 3_600_000;
/** What a mistake in our own code throws: trying again changes nothing. */
const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError];

/** Thrown where it is known when the same may be tried again. */
export class Later extends MaestroError {
  readonly waitMs: number;

  constructor(message: string, waitMs: number) {
    super('RATE_LIMITED', message);
    this.waitMs = waitMs;
  }
}

/** Whether the same handler may succeed later. Networks and databases fail in many ways, so whatever is unknown may. */
export function isRetryable(error: unknown): boolean {
  if (isMaestroError(error)) return ERROR_CODES[error.code].isRetryable;
  const status = statusOf(error);
  if (status !== undefined) return status >= 500 || STATUSES_RETRYABLE.has(status) || isPassing(status, error);
  // `fetch failed` is a TypeError whose cause is the network's.
  const isMistake = MISTAKES.some((kind) => error instanceof kind);
  return !(isMistake && (error as Error).cause === undefined);
}

/** The App is installed there no more: it gets no token. A new installation is not known everywhere in its first seconds. */
export function isUninstalled(error: unknown): boolean {
  if (statusOf(error) !== NOT_FOUND || !(error instanceof Error) || !('request' in error)) return false;
  const { url } = (error.request ?? {}) as { readonly url?: unknown };
  return typeof url === 'string' && TOKEN_URL.test(url);
}

/**
 * How long GitHub asks to be left alone, in milliseconds; 0 where it does not. By its own clock, which its answer tells.
 * @source https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
 */
export function askedPauseMs(error: unknown): number {
  if (error instanceof Later) return Math.min(PAUSE_MS_MAX, error.waitMs);
  if (!(error instanceof Error) || !('response' in error)) return 0;
  const { headers } = (error.response ?? {}) as { readonly headers?: Readonly<Record<string, unknown>> };
  const retryAfter = Number(headers?.['retry-after']) * 1000;
  const isSpent = String(headers?.['x-ratelimit-remaining']) === '0';
  const resetIn = isSpent ? Number(headers?.['x-ratelimit-reset']) * 1000 - Date.parse(String(headers?.['date'])) : 0;
  return Math.min(PAUSE_MS_MAX, Math.max(0, retryAfter || 0, resetIn || 0));
}

/** GitHub will not have it, now or later: not a limit that passes. */
export function isRefusal(error: unknown): boolean {
  return statusOf(error) === FORBIDDEN && !isRetryable(error);
}

export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}

/** A limit, or a suspension of the App: either may be over later. Any other refusal is a right that somebody has to give. */
function isPassing(status: number, error: unknown): boolean {
  return status === FORBIDDEN && error instanceof Error && /rate limit|abuse|suspended/i.test(error.message);
}
