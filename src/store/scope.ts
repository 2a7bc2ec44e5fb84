import { textArray } from './array-literal.ts';

/** Begins the pool of a dedicated run that every server looks after, unlike one of a process on somebody's machine. */
export const SERVED = '@';

/**
 * The pools whose runs a conductor looks after: empty for runs that any worker serves, `@` for all dedicated runs of
 * servers, and the keys of dedicated runs of its own. Others may have another policy and another signing key. Null: every
 * run, in a database that nobody else has.
 */
export type Scope = readonly string[] | null;

/** SQL: whether the run whose pool is in `column` is in the scope that the parameter holds. */
export function inScope(column: string, parameter: string): string {
  return `(${parameter}::text[] is null or ${column} = any (${parameter}) or (left(${column}, 1) = '${SERVED}' and '${SERVED}' = any (${parameter})))`;
}

export function scopeValue(scope: Scope): string | null {
  return scope === null ? null : textArray(scope);
}
