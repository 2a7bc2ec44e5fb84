import { inspect } from 'node:util';

/** Everything that whoever gets the errors could see of them, causes and stacks included. */
export function shownOf(...errors: readonly unknown[]): string {
  return errors.map((error) => inspect(error, { depth: null, showHidden: true })).join('\n');
}

/** What a deed throws. */
export function refusalOf(deed: () => unknown): unknown {
  try {
    deed();
  } catch (error) {
    return error;
  }
  throw new Error('it was taken');
}
