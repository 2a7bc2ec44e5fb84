import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { StepKind } from '../pipeline/plan.ts';
import type { Annotation, Artifact } from './outcome.ts';

export type RunStatus = 'queued' | 'running' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled' | 'rejected';

export type StepStatus =
  | 'pending'
  | 'held'
  | 'ready'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'cancelled'
  | 'denied';

/** Why a step is `held`. Only `wait` and `backoff` end by themselves; an expired `gate` is denied. */
export type HoldKind = 'gate' | 'ask' | 'wait' | 'backoff' | 'budget' | 'quota' | 'freeze' | 'unknown-outcome';

const RUN_STATUSES_FINAL: readonly RunStatus[] = ['succeeded', 'failed', 'cancelled', 'rejected'];
const STEP_STATUSES_FINAL: readonly StepStatus[] = ['succeeded', 'failed', 'skipped', 'cancelled', 'denied'];

export function isRunFinal(status: RunStatus): boolean {
  return RUN_STATUSES_FINAL.includes(status);
}

export function isStepFinal(status: StepStatus): boolean {
  return STEP_STATUSES_FINAL.includes(status);
}

export interface TriggerView {
  /** `manual` from the CLI; otherwise the name of the event. */
  readonly type: string;
  readonly actor: { readonly provider: string; readonly id: string };
}

export interface DecisionView {
  readonly verdict: 'allow' | 'deny' | 'ask';
  readonly reasons: readonly string[];
  readonly packDigest: Digest;
  readonly inputDigest: Digest;
}

export interface StepView {
  readonly id: string;
  readonly kind: StepKind;
  readonly uses: string;
  /** That it acts on; of a gate, that it guards. Null for none. */
  readonly environment: string | null;
  readonly needs: readonly string[];
  readonly status: StepStatus;
  /** Attempts begun, in the current iteration. */
  readonly attempts: number;
  readonly iteration: number;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly hold: { readonly kind: HoldKind; readonly reason: string; readonly dueAt: string | null } | null;
  /** Why it failed, was skipped, denied or cancelled. */
  readonly reason: string | null;
  readonly exitCode: number | null;
  readonly outputs: JsonObject;
  readonly artifacts: readonly Artifact[];
  readonly annotations: readonly Annotation[];
  readonly isCacheHit: boolean;
  readonly isCompensation: boolean;
  readonly decision: DecisionView | null;
}

export interface ReceiptView {
  /** `pending` until it is signed, moments after the run ended. */
  readonly status: 'pending' | 'signed';
  /** The receipt's identity: SHA-256 of the decoded payload. */
  readonly payloadSha256: string | null;
}

export interface RunView {
  readonly id: string;
  readonly pipeline: string;
  readonly status: RunStatus;
  readonly attempt: number;
  readonly retryOf: string | null;
  readonly planDigest: Digest;
  readonly trigger: TriggerView;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Why it was rejected, cancelled or queued. */
  readonly reason: string | null;
  readonly decision: DecisionView | null;
  /** Policy asked about the run itself, and nobody has let it begin. */
  readonly isConsentWanted: boolean;
  readonly steps: readonly StepView[];
  /** Null until the run has ended. */
  readonly receipt: ReceiptView | null;
}

export interface RunSummary {
  readonly id: string;
  readonly pipeline: string;
  readonly status: RunStatus;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}
