import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { StepKind } from './plan.ts';

/** What the language needs to know of a built-in or catalog step. */
export interface StepCatalogEntry {
  readonly kind: StepKind;
  /** False: the name is known, but this version cannot run it; linting warns. */
  readonly isAvailable: boolean;
  /** False: a lost attempt is held as unknown outcome instead of being run again. */
  readonly isIdempotent: boolean;
  readonly description: string;
  /** JSON Schema 2020-12 of `with`. */
  readonly inputSchema?: JsonObject;
  /**
   * Artifacts that the step keeps of its own accord: their names, or the input that says one. What it keeps with an artifact of a step before
   * is not among them.
   */
  readonly keeps?: readonly (string | { readonly input: string })[];
  /** Digest of the code, where it is not part of Maestro itself. */
  readonly digest?: Digest;
}

/** By name, as `uses` names them. */
export type StepCatalog = ReadonlyMap<string, StepCatalogEntry>;

/** Name of the step that `run:` is short for. */
export const SHELL_STEP = 'shell';

/** Stands for `shell` in a catalog that lacks it. */
export const SHELL_ENTRY: StepCatalogEntry = {
  kind: 'work',
  isAvailable: true,
  isIdempotent: true,
  description: 'Runs a script with bash, sh, pwsh or python.',
};
