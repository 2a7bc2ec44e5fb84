import { ERROR_CODES } from '../base/error-codes.ts';
import { isMaestroError } from '../base/errors.ts';
import type { RunView } from '../protocol/run.ts';
import { VerificationError } from '../provenance/verification-error.ts';

/** What the process says to the shell. The numbers are public. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  denied: 3,
  waiting: 4,
  unverified: 5,
  /** The reader interrupted (128 + SIGINT): the run is left as it is. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'done, and the run succeeded'],
  [EXIT.failed, 'the run failed or was cancelled; findings; a failure of Maestro itself'],
  [EXIT.usage, 'the request is wrong: flags, files, parameters, settings; nothing was started'],
  [EXIT.denied, 'policy or a person said no'],
  [EXIT.waiting, 'the run waits for a person (approval, budget, unknown outcome)'],
  [EXIT.unverified, 'the receipt does not hold'],
  [EXIT.interrupted, 'interrupted twice: the run is left for `maestro resume`'],
];

/** Of a run that is not over: it waits, for a person or behind another run of its group. */
export function exitCodeOfRun(run: RunView): ExitCode {
  if (run.status === 'succeeded') return EXIT.ok;
  if (run.status === 'rejected') return EXIT.denied;
  if (run.status === 'failed' || run.status === 'cancelled') {
    return run.steps.some((step) => step.status === 'denied') ? EXIT.denied : EXIT.failed;
  }
  return EXIT.waiting;
}

/** HTTP statuses of requests that cannot be met as they are: nothing was started. */
const WRONG_REQUEST: ReadonlySet<number> = new Set([400, 404, 409, 413, 422, 501]);

export function exitCodeOfError(error: unknown): ExitCode {
  if (error instanceof VerificationError) return EXIT.unverified;
  if (!isMaestroError(error)) return EXIT.failed;
  if (error.code === 'RECEIPT_INVALID') return EXIT.unverified;
  // The request is right, and may be made again when the other process has ended.
  if (error.code === 'STATE_LOCKED') return EXIT.failed;
  const status = ERROR_CODES[error.code].httpStatus;
  if (status === 403) return EXIT.denied;
  return WRONG_REQUEST.has(status) ? EXIT.usage : EXIT.failed;
}
