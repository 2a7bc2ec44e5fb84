import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { Principal } from '../base/principal.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { RunAttestation } from './attestation.ts';
import type { DisclosureEdition } from './disclosure-edition.ts';
import type { LogLine, RunEvent } from './event.ts';
import type { EvidenceDesk } from './evidence.ts';
import type { Explanation } from './explain.ts';
import type { Namespace } from './namespace.ts';
import type { ReleaseGateView } from './release.ts';
import type { DecisionView, RunSummary, RunView } from './run.ts';

export interface StartRun {
  readonly plan: Plan;
  /** Shown to expressions as `github`, and to policy. */
  readonly trigger: RunTrigger;
  /** A run with the same key is returned instead of a second one being started. */
  readonly idempotencyKey?: string;
  readonly relations?: readonly RunRelation[];
  /** Only workers that name the run serve it: its steps need a checkout that others do not have. */
  readonly isDedicated?: boolean;
  /** Absent: that of this Maestro itself, as on a laptop. */
  readonly namespace?: Namespace;
}

export interface RunTrigger {
  readonly type: string;
  /** `account` stays when the login is given to somebody else; absent where it is not known. */
  readonly actor: { readonly provider: string; readonly id: string; readonly account?: string };
  readonly source: { readonly uri: string; readonly gitCommit: string | null; readonly ref: string | null };
  /** The `github` context. */
  readonly github: JsonObject;
  readonly eventDigest: Digest;
  readonly isFork: boolean;
}

export interface RunRelation {
  readonly type: 'retryOf' | 'childOf' | 'parentOf' | 'promotes' | 'supersedes' | 'replayOf';
  readonly runId: string;
  readonly payloadSha256: string | null;
}

export interface GateAnswer {
  readonly runId: string;
  /** The step's id; null for the run itself, which policy wants to be asked about; absent where exactly one thing waits. */
  readonly gate?: string | null;
  /** `revoke` takes back what the same person approved, as long as it was not used. */
  readonly decision: 'approve' | 'deny' | 'revoke';
  readonly reason: string;
  readonly principal: Principal;
  /** They wrote, pushed or proposed what is to be approved. */
  readonly isAuthor: boolean;
  /** ISO 8601. An approval counts only where the wait began before: what began later, its author cannot have seen. */
  readonly begunBefore?: string;
}

/** `failed`: steps that did not succeed, and what follows from them. `from`: that step and what follows from it. `all`: everything. */
export type RetryScope =
  | { readonly type: 'failed' }
  | { readonly type: 'all' }
  | { readonly type: 'from'; readonly step: string };

export interface StepPreview {
  readonly step: string;
  readonly decision: DecisionView;
}

export interface PlanPreview {
  readonly digest: Digest;
  readonly run: DecisionView;
  readonly steps: readonly StepPreview[];
  readonly estimate: { readonly steps: number; readonly microUsd: number; readonly durationMs: number | null };
}

export interface RunReceipt {
  /** Bytes of `run.json`, the canonical run record: the receipt's first subject. */
  readonly runRecord: string;
  /** Bytes of the sigstore bundle. */
  readonly bundle: string;
  /** PEM, SPKI. */
  readonly publicKey: string;
  readonly payloadSha256: string;
}

/**
 * What a person or a program asks of Maestro, in process or over HTTP.
 *
 * `run` arguments accept a whole id, an unambiguous prefix of 4 characters or more, or `latest`.
 */
export interface Client {
  preview(request: StartRun): Promise<PlanPreview>;
  startRun(request: StartRun): Promise<RunView>;
  readRun(run: string): Promise<RunView>;
  listRuns(limit: number): Promise<readonly RunSummary[]>;
  readPlan(run: string): Promise<Plan>;
  readTrigger(run: string): Promise<RunTrigger>;
  /** What policy was asked about a run, or one step of it. Throws STEP_NOT_FOUND. */
  explain(run: string, step?: string): Promise<Explanation>;
  /** Yields facts after `afterSeq` and goes on until the run has ended or the signal fires. */
  followRun(run: string, afterSeq: number, signal: AbortSignal): AsyncIterable<RunEvent>;
  /** With `isFollowing`, goes on until the run has ended. */
  readLogs(run: string, step: string | undefined, isFollowing: boolean, signal: AbortSignal): AsyncIterable<LogLine>;
  cancelRun(run: string, reason: string): Promise<RunView>;
  answerGate(answer: GateAnswer): Promise<RunView>;
  /** Makes a new attempt of a finished run; successes outside the scope are kept. */
  retryRun(run: string, scope: RetryScope): Promise<RunView>;
  /** Takes up a run whose process died: leases of dead workers are given out again. */
  resumeRun(run: string): Promise<RunView>;
  /** Throws RUN_NOT_FINISHED, or RECEIPT_NOT_READY until the receipt is signed. */
  readReceipt(run: string): Promise<RunReceipt>;
  /** Bytes of the run's disclosure pack. Throws as `readReceipt`. */
  readDisclosure(run: string, edition: DisclosureEdition): Promise<Uint8Array>;
  /** The register of what ran; runs are named by their whole id. */
  readonly evidence: EvidenceDesk;
  /** Signed statements about what the run made, in the order in which they were signed; also while it goes on. */
  readAttestations(run: string): Promise<readonly RunAttestation[]>;
  /** Whether what the run made may be released. Throws as `readReceipt`. */
  readReleaseGate(run: string): Promise<ReleaseGateView>;
  /** What the run made, with what is proven of it: see docs/guides/attestations.md. Throws as `readReceipt`. */
  readManifest(run: string): Promise<JsonObject>;
  readArtifact(digest: Digest): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}
