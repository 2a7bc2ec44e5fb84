import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';

/**
 * The question to policy.
 *
 * It says what a step *does* (code, runner, egress, secrets, tags), never what it is called: a step's id is chosen by
 * whoever writes the pipeline, so a rule that keys on it is evaded by renaming. It holds neither time nor run id, so
 * equal questions have equal digests and one evaluation answers them all; a pack that needs time asks for it by an
 * obligation.
 */
export interface PolicyInput {
  readonly phase: 'run' | 'step';
  readonly pipeline: { readonly name: string; readonly kind: string; readonly version: string | null };
  readonly trigger: {
    readonly type: string;
    readonly actor: { readonly provider: string; readonly id: string };
    readonly repository: string;
    readonly ref: string | null;
    readonly isFork: boolean;
  };
  readonly purpose: string | null;
  readonly authority: string | null;
  readonly licence: string | null;
  readonly autonomy: string | null;
  readonly budget: {
    readonly microUsd: number | null;
    readonly tokens: number | null;
    readonly minutes: number | null;
  };
  /** Present in phase `step`. */
  readonly step: PolicyStep | null;
}

export interface PolicyStep {
  readonly kind: 'work' | 'wait' | 'gate';
  readonly uses: string;
  readonly code: { readonly uri: string; readonly digest: Digest | null };
  readonly runner: string;
  readonly tags: readonly string[];
  /** What the step declares, and the host of `with.url` for `http` and `notify`; `*` where it is not known yet. */
  readonly egress: readonly string[];
  readonly secrets: readonly string[];
  readonly environment: string | null;
  readonly isIdempotent: boolean;
  readonly timeoutMs: number;
  /** Templates as written where they read outputs of other steps; values where they do not. */
  readonly with: JsonObject;
}
