import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { Annotation, Artifact, Outcome } from '../protocol/outcome.ts';
import { jsonText } from '../store/json-text.ts';

/** What is kept of an attempt's outcome, and what the engine adds to it. Column `step.outcome`. */
export interface OutcomeNote {
  readonly message?: string;
  readonly exitCode?: number;
  readonly outputs?: JsonObject;
  readonly artifacts?: readonly Artifact[];
  readonly log?: Outcome['log'];
  readonly cacheKey?: string;
  readonly isCacheHit?: boolean;
  readonly annotations?: readonly Annotation[];
  readonly inputDigest?: Digest;
  readonly isolation?: Outcome['isolation'];
  /** It failed, and `continue-on-error` held. */
  readonly isAbsorbed?: boolean;
  /** Fence of the attempt that its worker ended; absent where the fast path recorded it. */
  readonly endedFence?: number;
  /** The run whose result a retry kept. */
  readonly carriedFrom?: string;
}

/** JSON of a note that Postgres takes. Null where there is nothing to keep. */
export function noteText(note: OutcomeNote): string | null {
  const text = jsonText(note);
  return text === '{}' ? null : text;
}

export function noteOf(outcome: Outcome): OutcomeNote {
  const { kind: _kind, errorClass: _class, errorCode: _code, ...note } = outcome;
  return note;
}

export function readNote(outcome: JsonObject): OutcomeNote {
  return outcome;
}
