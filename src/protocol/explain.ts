import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { DecisionView } from './run.ts';

/** What policy was asked about a run or a step, and what each of its packs says to that. */
export interface Explanation {
  /** Denials first, then questions to people. */
  readonly asked: readonly ExplainView[];
  /** How many more there are, which are not shown. */
  readonly more: number;
}

export interface ExplainView {
  /** Null for the run itself. */
  readonly step: string | null;
  /** Why it was asked: `run`, `step`, `secret`, `approval`, `promotion`. */
  readonly phase: string;
  readonly decision: DecisionView;
  readonly packs: readonly PackView[];
  /** Of the rules that explain: not the decision's where rules or data have changed since. */
  readonly packDigest: Digest;
  readonly input: JsonObject;
}

export interface PackView {
  readonly pack: string;
  readonly verdict: DecisionView['verdict'];
  readonly reasons: readonly string[];
  readonly obligations: readonly { readonly type: string; readonly value: string | number | boolean }[];
}
