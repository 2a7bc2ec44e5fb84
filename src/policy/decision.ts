import type { Digest } from '../base/digest.ts';

export type Verdict = 'allow' | 'deny' | 'ask';

/** The answer of policy to one question. A pure function of bundle, data and input: it can be replayed with `opa eval`. */
export interface Decision {
  readonly verdict: Verdict;
  /** Each names the pack, the rule and the datum that would change the answer. */
  readonly reasons: readonly string[];
  /** Conditions that the caller must fulfil for an `allow` to count, for example `approvals: 2`. */
  readonly obligations: readonly Obligation[];
  /** SHA-256 over the bundle's bytes and the data document. */
  readonly packDigest: Digest;
  readonly inputDigest: Digest;
}

export interface Obligation {
  readonly type: string;
  readonly value: string | number | boolean;
}

/** What one pack alone says to a question. */
export interface PackVerdict {
  /** `engine` where no pack could be asked. */
  readonly pack: string;
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly obligations: readonly Obligation[];
}
