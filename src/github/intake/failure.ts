import { ERROR_CODES } from '../../base/error-codes.ts';
import { isMaestroError } from '../../base/errors.ts';

/** GitHub's secondary limits answer 403 with a text, its primary ones with headers; 409 is a git repository in motion. */
const STATUSES_RETRYABLE = new Set([408, 409, 425, 429]);
/** What a mistake in our own code throws: trying again changes nothing. */
const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError];

/** Whether the same handler may succeed later. Networks and databases fail in many ways, so whatever is unknown may. */
export function isRetryable(error: unknown): boolean {
  if (isMaestroError(error)) return ERROR_CODES[error.code].isRetryable;
  const status = statusOf(error);
  if (status !== undefined) return status >= 500 || STATUSES_RETRYABLE.has(status) || isRateLimit(status, error);
  // `fetch failed` is a TypeError whose cause is the network's.
  const isMistake = MISTAKES.some((kind) => error instanceof kind);
  return !(isMistake && (error as Error).cause === undefined);
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}

function isRateLimit(status: number, error: unknown): boolean {
  return status === 403 && error instanceof Error && /rate limit|abuse/i.test(error.message);
}
