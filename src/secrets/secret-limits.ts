import { MaestroError } from '../base/errors.ts';

const NAME_CHARS_MAX = 200;
/** One step's. */
export const NAMES_MAX = 100;
/** Half of what Linux takes as one variable of a process's environment, so that a name and an encoding fit beside it. */
const VALUE_BYTES_MAX = 65_536;

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** Whether a secret can have that name. Pipelines may ask for any text; no provider is asked for one that is none. */
export function isSecretName(name: string): boolean {
  return name.length <= NAME_CHARS_MAX && NAME.test(name);
}

/**
 * Programs that start a step quote a variable with NUL in their error, value and all: it must not come that far.
 * @throws SECRET_UNUSABLE
 */
export function assertSecretValue(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw invalid(name, 'a text', value === null ? 'nothing' : `a ${typeof value}`);
  const sizeBytes = Buffer.byteLength(value);
  if (sizeBytes > VALUE_BYTES_MAX) throw invalid(name, `at most ${VALUE_BYTES_MAX} bytes`, `${sizeBytes}`);
  if (value.includes('\0')) throw invalid(name, 'a text without NUL characters', 'one with them');
}

function invalid(name: string, expected: string, got: string): MaestroError {
  return new MaestroError('SECRET_UNUSABLE', `expected the secret ${name} to be ${expected}, got ${got}`);
}
