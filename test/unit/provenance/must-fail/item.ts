import { isMaestroError } from '../../../../src/base/errors.ts';
import { VerificationError } from '../../../../src/provenance/verification-error.ts';

/** One manipulation that is refused. */
export interface Item {
  /** What was done, as the page shows it. */
  readonly name: string;
  readonly code: string;
  /** Verifies what is genuine, or the same with the manipulation: the code of the refusal, undefined where it holds. */
  readonly answer: (isTampered: boolean) => Promise<string | undefined>;
}

/** Manipulations of one kind. */
export interface Group {
  readonly title: string;
  readonly items: readonly Item[];
}

/** The code with which something is refused; any other error is a failure of the test. */
export async function refusalOf(act: () => unknown): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (error instanceof VerificationError || isMaestroError(error)) return error.code;
    throw error;
  }
}

/** Makes something when it is first needed: the page is written of the same tables, and needs none of it. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
