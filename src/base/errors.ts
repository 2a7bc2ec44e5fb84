import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

/**
 * The one error that Maestro throws on purpose.
 *
 * `message` says what was expected, what came and, where the code's own advice is not enough, what to do. It never
 * holds a secret. `code` is public and stable.
 */
export class MaestroError extends Error {
  override readonly name = 'MaestroError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get nextStep(): string {
    return ERROR_CODES[this.code].nextStep;
  }
}

export function isMaestroError(error: unknown, code?: ErrorCode): error is MaestroError {
  return error instanceof MaestroError && (code === undefined || error.code === code);
}

/** The text of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
