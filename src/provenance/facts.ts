import type { Digest } from '../base/digest.ts';
import type { StepKind } from '../pipeline/plan.ts';

/**
 * Everything a run's record and receipt say, as the engine's database knows it when the run has ended.
 *
 * Plain data, no optional fields: what is unknown is null. Times are RFC 3339 in UTC. Money, sizes and token counts are
 * decimal strings, because verifiers read JSON numbers as doubles. Strings must be well-formed Unicode.
 */
export interface RunFacts {
  readonly run: RunFact;
  readonly plan: PlanFact;
  /** What the run as a whole was given, beside its source: parameters, files. */
  readonly inputs: readonly ArtifactFact[];
  /** Every step of the plan in the plan's order, then compensations in the order in which they ran. */
  readonly steps: readonly StepFact[];
  /** Every distinct answer of policy, once; runs and steps name it by `decisionId`. */
  readonly policy: readonly DecisionFact[];
  readonly approvals: readonly ApprovalFact[];
  /** One for each step to which values of secrets were given, in the order of `steps`. */
  readonly secrets: readonly SecretFact[];
  /** One for each `gate.promote` that passed in this run, in the order of `steps`. */
  readonly promotions: readonly PromotionFact[];
  readonly llm: readonly LlmFact[];
  /** Sum over `llm`, in millionths of a US dollar. */
  readonly cost: { readonly microUsd: string };
  readonly relations: readonly RelationFact[];
  readonly issuer: IssuerFact;
}

interface RunFact {
  readonly id: string;
  /** Counts from 1; above 1 the run has a relation `retryOf`. */
  readonly attempt: number;
  /** 16 random bytes or more in hex: two runs never have equal payloads. */
  readonly nonce: string;
  readonly pipeline: {
    readonly name: string;
    readonly version: string | null;
    readonly uri: string;
    readonly path: string;
    readonly digest: Digest;
  };
  readonly trigger: { readonly type: string; readonly actor: ActorFact; readonly eventDigest: Digest };
  readonly source: { readonly uri: string; readonly gitCommit: string | null };
  readonly status: RunEnd;
  readonly reason: string | null;
  readonly decisionId: string;
  /** Null where the run never began: rejected, or cancelled while it was queued. */
  readonly startedOn: string | null;
  readonly finishedOn: string;
}

/** Run statuses that are final. */
export type RunEnd = 'succeeded' | 'failed' | 'cancelled' | 'rejected';

/** Step statuses that are final. */
export type StepEnd = 'succeeded' | 'failed' | 'skipped' | 'cancelled' | 'denied';

interface PrincipalFact {
  readonly provider: string;
  /** The name by which they were known at that moment: a login may change hands. */
  readonly id: string;
}

interface ActorFact extends PrincipalFact {
  /** As an approver's; null where nobody knows it. */
  readonly account: string | null;
}

interface ApproverFact extends PrincipalFact {
  /** Stays equal when they are renamed: GitHub's number of the account; for a local user the `id` itself. */
  readonly account: string;
}

interface PlanFact {
  readonly digest: Digest;
  /** Ids of all plan steps in order: the graph that was promised, so a step that is left out shows. */
  readonly stepIds: readonly string[];
}

export interface StepFact {
  /** Position in `steps`, from 0. */
  readonly seq: number;
  readonly id: string;
  readonly kind: StepKind;
  /** For a compensation: the one step that it undoes. */
  readonly needs: readonly string[];
  readonly code: { readonly uri: string; readonly digest: Digest | null };
  /** Digest of the evaluated inputs, secrets left out. Null where the step never began. */
  readonly paramsDigest: Digest | null;
  /** Where it acts, with everything put in that comes from other steps; null where it says nothing. */
  readonly environment: string | null;
  /** `environment` is the runner class. */
  readonly runner: { readonly environment: string; readonly isolation: Isolation | null };
  readonly inputs: readonly ArtifactFact[];
  readonly outputs: readonly ArtifactFact[];
  /** Digest of the outputs object, as canonical JSON. */
  readonly outputsDigest: Digest | null;
  /** Exit status of the process, where the step was one. */
  readonly exit: number | null;
  readonly status: StepEnd;
  /** Attempts begun in the last iteration; 0 where the step never began or its result was carried over. */
  readonly attempts: number;
  readonly iteration: number;
  readonly startedOn: string | null;
  readonly finishedOn: string | null;
  readonly logs: { readonly digest: Digest; readonly sizeBytes: string; readonly isTruncated: boolean } | null;
  readonly isCacheHit: boolean;
  /** The run in which it ran, where a retry kept its result: it did not run here. */
  readonly carriedFrom: string | null;
  /** It failed, and `continue-on-error` held: the run may succeed all the same. */
  readonly isFailureAbsorbed: boolean;
  readonly isCompensation: boolean;
  readonly reason: string | null;
  /**
   * The decision of phase `step` under which it last began or passed, or was denied; null where nobody asked. Where a later
   * one denied it, of its secrets or of what it would have promoted, that one. `gate.freeze` names the decision of phase
   * `promotion` that let it pass.
   */
  readonly decisionId: string | null;
}

type Isolation = 'none' | 'process' | 'user' | 'container';

/** Content by digest. */
export interface ArtifactFact {
  readonly name: string;
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: string;
}

export interface DecisionFact {
  readonly id: string;
  readonly phase: 'run' | 'step' | 'secret' | 'approval' | 'promotion';
  readonly engine: { readonly name: string; readonly version: string };
  /** Covers the rules' bytes and the data document. */
  readonly bundle: { readonly digest: Digest; readonly revision: string | null };
  readonly entrypoint: string;
  readonly input: { readonly digest: Digest };
  readonly decision: 'allow' | 'deny' | 'ask';
  readonly reasons: readonly string[];
  readonly obligations: readonly { readonly type: string; readonly value: string | number | boolean }[];
  readonly evaluatedAt: string;
  /** A person let pass what policy denied. */
  readonly override: { readonly approvalId: string } | null;
}

export interface ApprovalFact {
  readonly id: string;
  /** The step that waited; null for the run as a whole. */
  readonly gate: string | null;
  /** That of the step; null for the run as a whole. */
  readonly environment: string | null;
  readonly approver: ApproverFact;
  readonly decision: 'approve' | 'deny';
  readonly reason: string;
  readonly at: string;
  /** When whoever approved took it back, before it was used: it does not count. Null otherwise, and for every denial. */
  readonly revokedAt: string | null;
  /** The decision of phase `approval` that let it count; without one that allows, an approval counts for nothing. */
  readonly decisionId: string | null;
  /** What was seen: `approvalSubject`. */
  readonly subjectDigest: Digest;
}

/** Values of secrets that a step was given, by name. Of several releases to one step, the last. */
export interface SecretFact {
  readonly stepId: string;
  readonly names: readonly string[];
  readonly at: string;
  /** Of phase `secret`. */
  readonly decisionId: string;
}

/** What a `gate.promote` let pass. */
export interface PromotionFact {
  /** The step. */
  readonly gate: string;
  /** That of the step. */
  readonly environment: string;
  /** Each once. Where there are none, the commit is what was promoted. */
  readonly artifacts: readonly Digest[];
  /** That of the run. */
  readonly commit: string | null;
  /** Exactly this was in the environment before. */
  readonly isRollback: boolean;
  /** Of phase `promotion`: the last one, under which it passed. */
  readonly decisionId: string;
  readonly at: string;
}

export interface LlmFact {
  readonly seq: number;
  readonly stepId: string;
  readonly provider: string;
  readonly model: string;
  readonly revision: string | null;
  readonly paramsDigest: Digest;
  readonly promptDigest: Digest;
  readonly responseDigest: Digest;
  readonly tokens: { readonly in: string; readonly out: string; readonly cached: string };
  readonly microUsd: string;
  readonly isCacheHit: boolean;
}

interface RelationFact {
  readonly type: 'retryOf' | 'childOf' | 'parentOf' | 'promotes' | 'supersedes' | 'replayOf';
  readonly runId: string;
  /** Identity of the other run's receipt; null where it has none yet. */
  readonly payloadSha256: string | null;
  /** Its leaf in the evidence register. */
  readonly logIndex: string | null;
}

export interface IssuerFact {
  /** URI of the trust boundary that signs. */
  readonly builderId: string;
  readonly version: string;
  /** True where steps run as the user who can read the signing key: then a step could have forged this receipt. */
  readonly keyReachableBySteps: boolean;
}
