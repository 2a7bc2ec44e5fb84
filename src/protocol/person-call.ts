import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { ReleaseGateView } from './release.ts';
import type { RunStatus } from './run.ts';

/** An answer to a gate as somebody gives it over HTTP. */
export interface AnswerCall {
  /** The whole id. */
  readonly run: string;
  /** The step's id; null for the run itself; absent where exactly one thing waits. */
  readonly gate?: string | null;
  readonly decision: 'approve' | 'deny' | 'revoke';
  readonly reason: string;
  /** Of the plan that was looked at: the answer counts for that plan alone. */
  readonly planDigest?: Digest;
}

export interface AnsweredCall {
  readonly run: string;
  readonly gate: string | null;
  readonly decision: AnswerCall['decision'];
  /** Who answered. */
  readonly person: string;
  readonly planDigest: Digest;
  /** Of the run, after the answer. */
  readonly status: RunStatus;
  /** Whether the gate waits for further answers. */
  readonly isWaiting: boolean;
}

/** Somebody who has shown a token of theirs. It is kept for the length of one call, and shown to GitHub alone. */
export interface PersonCaller {
  /** `github:1234`, the account: what their calls are counted under. */
  readonly key: string;
  /**
   * @throws RUN_NOT_FOUND, also where they may not read the repository: that a run exists is nothing for them to know
   * @throws APPROVAL_NOT_ALLOWED, GATE_NOT_OPEN, CONFLICT, TOO_MANY_ANSWERS
   */
  answer(call: AnswerCall): Promise<AnsweredCall>;
  /**
   * Whether what a run made may be released, by its whole id.
   * @throws RUN_NOT_FOUND as above, RUN_NOT_FINISHED, RECEIPT_NOT_READY
   */
  readReleaseGate(run: string): Promise<ReleaseGateView>;
  /** What a run made with what is proven of it. Throws as `readReleaseGate`. */
  readManifest(run: string): Promise<JsonObject>;
  /** The run's disclosure pack, as it may lie beside a release. Throws as `readReleaseGate`. */
  readDisclosure(run: string): Promise<Uint8Array>;
}

/** Finds out whose token it is. Implemented by `github`. @throws UNAUTHENTICATED, RATE_LIMITED, UNAVAILABLE */
export type AdmitPerson = (token: string) => Promise<PersonCaller>;
