import { ERROR_CODES } from '../base/error-codes.ts';
import { isMaestroError, messageOf } from '../base/errors.ts';
import type { Outcome } from '../protocol/outcome.ts';

/** Errors of the operating system that mean: no room left. */
const DISK_FULL = new Set(['ENOSPC', 'EDQUOT']);

/**
 * The failure that an error on the worker amounts to.
 *
 * What policy refused has no class, because no retry may repeat it; what may pass is `infra`; what the pipeline or the
 * step did wrong is `step`; anything unforeseen is the worker's own trouble, hence `infra` too.
 */
export function outcomeOfError(error: unknown): Outcome {
  const message = messageOf(error);
  if (!isMaestroError(error)) {
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    const errorCode = code !== undefined && DISK_FULL.has(code) ? 'DISK_FULL' : 'INTERNAL';
    return { kind: 'failed', errorClass: 'infra', errorCode, message };
  }
  if (error.code === 'POLICY_DENIED') return { kind: 'failed', errorCode: error.code, message };
  const isPassing = ERROR_CODES[error.code].isRetryable || error.code === 'LEASE_LOST' || error.code === 'INTERNAL';
  return { kind: 'failed', errorClass: isPassing ? 'infra' : 'step', errorCode: error.code, message };
}
