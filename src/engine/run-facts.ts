import { isoTime } from '../base/clock.ts';
import { type Digest, digestJson } from '../base/digest.ts';
import { hasExpression } from '../pipeline/template.ts';
import type { RunTrigger } from '../protocol/client.ts';
import type {
  ApprovalFact,
  ArtifactFact,
  DecisionFact,
  IssuerFact,
  PromotionFact,
  RunEnd,
  RunFacts,
  SecretFact,
  StepEnd,
  StepFact,
} from '../provenance/facts.ts';
import type { Approval } from '../store/approvals.ts';
import type { StoredDecision } from '../store/decisions.ts';
import type { Promotion } from '../store/promotions.ts';
import type { RunRow, StepRow } from '../store/run-rows.ts';
import type { SecretRelease } from '../store/secret-releases.ts';
import { type CompiledPlan, stepAt } from './compiled-plan.ts';
import { type OutcomeNote, readNote } from './outcome-note.ts';
import { isPromotion } from './promotion-step.ts';

export interface ClosedRun {
  readonly row: RunRow;
  readonly steps: readonly StepRow[];
  readonly compiled: CompiledPlan;
  readonly decisions: ReadonlyMap<number, StoredDecision>;
  readonly approvals: readonly Approval[];
  readonly promotions: readonly Promotion[];
  readonly releases: readonly SecretRelease[];
}

/** What the rows of a run that is over say, in the words of the receipt. Pure, so it can be made again at any time. */
export function runFacts(closed: ClosedRun, issuer: IssuerFact, entrypoint: string): RunFacts {
  const { row, compiled } = closed;
  const { plan } = compiled;
  const steps = closed.steps.map((step) => stepFact(closed, step));
  const compensations = steps.slice(plan.steps.length).filter((step) => step.status !== 'skipped');
  return {
    run: {
      id: row.key,
      attempt: row.attempt,
      nonce: row.nonce,
      pipeline: {
        name: plan.name,
        version: plan.version ?? null,
        uri: row.trigger.source.uri,
        path: plan.source.path,
        digest: plan.source.digest,
      },
      trigger: { type: row.trigger.type, actor: actorFact(row.trigger.actor), eventDigest: row.trigger.eventDigest },
      source: { uri: row.trigger.source.uri, gitCommit: row.trigger.source.gitCommit },
      status: row.status as RunEnd,
      reason: row.reason,
      decisionId: String(row.decisionId),
      startedOn: timeOf(row.startedAt),
      finishedOn: isoTime(row.finishedAt?.getTime() ?? row.createdAt.getTime()),
    },
    plan: { digest: compiled.digest, stepIds: plan.steps.map((step) => step.id) },
    inputs: [],
    steps: [...steps.slice(0, plan.steps.length), ...compensations].map((step, seq) => ({ ...step, seq })),
    policy: [...closed.decisions.values()]
      .sort((a, b) => a.id - b.id)
      .map((decision) => decisionFact(decision, entrypoint)),
    approvals: closed.approvals.map((approval) => approvalFact(approval, compiled)),
    secrets: closed.releases.map((release) => secretFact(release, compiled)),
    promotions: closed.promotions.map((promotion) => promotionFact(promotion, compiled)),
    llm: [],
    cost: { microUsd: '0' },
    relations: row.relations.map((relation) => ({ ...relation, logIndex: null })),
    issuer,
  };
}

function stepFact(closed: ClosedRun, row: StepRow): StepFact {
  const { compiled } = closed;
  const step = stepAt(compiled, row.idx);
  const note = readNote(row.outcome);
  return {
    seq: row.idx,
    id: step.id,
    kind: step.kind,
    needs: step.needs,
    code: { uri: step.code.uri, digest: step.code.digest ?? null },
    paramsDigest: note.inputDigest ?? null,
    environment: environmentOf(closed, row.idx),
    runner: { environment: step.runner, isolation: note.isolation ?? null },
    inputs: [],
    outputs: (note.artifacts ?? []).map(artifactFact),
    outputsDigest: note.outputs ? digestJson(note.outputs) : null,
    exit: note.exitCode ?? null,
    status: row.status as StepEnd,
    attempts: row.attempt,
    iteration: row.iteration,
    startedOn: row.attempt > 0 ? timeOf(row.startedAt) : null,
    finishedOn: timeOf(row.finishedAt),
    logs: logFact(note.log),
    isCacheHit: note.isCacheHit === true,
    carriedFrom: note.carriedFrom ?? null,
    isFailureAbsorbed: note.isAbsorbed === true,
    isCompensation: row.idx >= compiled.plan.steps.length,
    reason: row.reason,
    decisionId: row.decisionId === null ? null : String(row.decisionId),
  };
}

/** Where a step acts. What a gate makes of a template stands with what people answered, and with what passed. */
function environmentOf({ compiled, promotions, approvals }: ClosedRun, idx: number): string | null {
  const step = stepAt(compiled, idx);
  if (!isPromotion(step)) return step.environment ?? null;
  const resolved = [...promotions, ...approvals].find((one) => one.idx === idx)?.environment;
  const { environment } = step.with;
  const written = typeof environment === 'string' && !hasExpression(environment) ? environment : null;
  return resolved ?? written;
}

function secretFact(release: SecretRelease, compiled: CompiledPlan): SecretFact {
  return {
    stepId: stepAt(compiled, release.idx).id,
    names: release.names,
    at: isoTime(release.at.getTime()),
    decisionId: String(release.decisionId),
  };
}

function promotionFact(promotion: Promotion, compiled: CompiledPlan): PromotionFact {
  const { idx, environment, artifacts, commit, isRollback, decisionId, at } = promotion;
  return {
    gate: stepAt(compiled, idx).id,
    environment,
    artifacts,
    commit,
    isRollback,
    decisionId: String(decisionId),
    at: isoTime(at.getTime()),
  };
}

function actorFact({ provider, id, account }: RunTrigger['actor']): RunFacts['run']['trigger']['actor'] {
  return { provider, id, account: account ?? (provider === 'local' ? id : null) };
}

function timeOf(date: Date | null): string | null {
  return date === null ? null : isoTime(date.getTime());
}

function logFact(log: OutcomeNote['log']): StepFact['logs'] {
  return log ? { digest: log.digest, sizeBytes: String(log.sizeBytes), isTruncated: log.isTruncated } : null;
}

function artifactFact(artifact: { name: string; path: string; digest: Digest; sizeBytes: number }): ArtifactFact {
  return { name: artifact.name, path: artifact.path, digest: artifact.digest, sizeBytes: String(artifact.sizeBytes) };
}

function decisionFact(stored: StoredDecision, entrypoint: string): DecisionFact {
  const { decision } = stored;
  return {
    id: String(stored.id),
    phase: stored.phase as DecisionFact['phase'],
    engine: { name: 'opa-wasm', version: '1' },
    bundle: { digest: decision.packDigest, revision: stored.revision },
    entrypoint,
    input: { digest: decision.inputDigest },
    decision: decision.verdict,
    reasons: decision.reasons,
    obligations: decision.obligations,
    evaluatedAt: isoTime(stored.decidedAt.getTime()),
    override: null,
  };
}

export function approvalFact(approval: Approval, compiled: CompiledPlan): ApprovalFact {
  return {
    id: String(approval.id),
    gate: approval.idx < 0 ? null : stepAt(compiled, approval.idx).id,
    environment: approval.environment,
    approver: { provider: approval.provider, id: approval.principal, account: approval.account },
    decision: approval.decision,
    reason: approval.reason,
    at: isoTime(approval.at.getTime()),
    revokedAt: timeOf(approval.revokedAt),
    decisionId: approval.decisionId === null ? null : String(approval.decisionId),
    subjectDigest: approval.subjectDigest,
  };
}
