import { ERROR_CODES } from '../base/error-codes.ts';
import { isMaestroError, MaestroError } from '../base/errors.ts';
import { RateLimited } from './rate-limit.ts';

const TYPE = 'https://maestro-conductor.dev/problems/';

/**
 * An error as RFC 9457 has it. What Maestro did not throw itself says nothing: its text may hold what the caller must not
 * see, and it may pass, so the caller tries again.
 */
export function problemResponse(error: unknown, requestId: string): Response {
  const told = isMaestroError(error)
    ? error
    : new MaestroError('UNAVAILABLE', `the server could not answer request ${requestId}`);
  const { httpStatus, isRetryable, nextStep } = ERROR_CODES[told.code];
  // Success codes of the table are for commands that wait: as an answer to a call, they are errors still.
  const status = httpStatus < 400 ? 409 : httpStatus;
  const headers = new Headers({ 'content-type': 'application/problem+json', 'x-request-id': requestId });
  if (told instanceof RateLimited) headers.set('retry-after', String(told.retryAfterS));
  else if (isRetryable && status === 503) headers.set('retry-after', '1');
  if (status === 401) headers.set('www-authenticate', 'Bearer');
  const body = {
    type: `${TYPE}${told.code.toLowerCase().replaceAll('_', '-')}`,
    title: told.code.toLowerCase().replaceAll('_', ' '),
    status,
    code: told.code,
    detail: told.message,
    nextStep,
  };
  return new Response(JSON.stringify(body), { status, headers });
}
