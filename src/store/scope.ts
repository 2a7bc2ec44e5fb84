import { textArray } from './array-literal.ts';

/**
 * The pools whose runs a conductor looks after: a run's key where it is dedicated, empty for those that are not. Others
 * may have another policy and another signing key. Null: every run, in a database that nobody else has.
 */
export type Scope = readonly string[] | null;

export function scopeValue(scope: Scope): string | null {
  return scope === null ? null : textArray(scope);
}
