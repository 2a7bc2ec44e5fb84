import { VerificationError } from '../../../src/provenance/verification-error.ts';

/** The code with which something is refused; undefined where it is not. Any other error is a failure of the test. */
export function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof VerificationError) return error.code;
    throw error;
  }
}
