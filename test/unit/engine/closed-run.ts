import { digestBytes } from '../../../src/base/digest.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { compilePlan } from '../../../src/engine/compiled-plan.ts';
import { noteOf } from '../../../src/engine/outcome-note.ts';
import { receiptBytesOf } from '../../../src/engine/receipt-room.ts';
import { RunEntries, type RunEntry } from '../../../src/engine/run-entry.ts';
import { type ClosedRun, runFacts } from '../../../src/engine/run-facts.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Artifact, Outcome } from '../../../src/protocol/outcome.ts';
import type { RunFacts } from '../../../src/provenance/facts.ts';
import type { Approval } from '../../../src/store/approvals.ts';
import type { StoredDecision } from '../../../src/store/decisions.ts';
import { planOf, TRIGGER } from '../../fakes/plans.ts';

/** Ids of decisions are as long as they become. */
export const DECISION = 9_999_000_000;
/** Decisions below are about something else than steps. */
export const OTHER_DECISION = 9_998_000_000;
export const AT = new Date(1_790_000_000_123);
const ISSUER = {
  builderId: 'https://maestro.example.com/builders/github-app/v1',
  version: '0.1.0',
  keyReachableBySteps: false,
};

export const entryOf = (steps: readonly PlanStep[]): RunEntry => {
  const run = { id: 7, key: '01jd4z8f3k5q7r9t0v2w4x6y8z', attempt: 1, planId: 1, trigger: TRIGGER, namespaceId: 1 };
  return new RunEntries().add(run, compilePlan(planOf(steps)));
};

export const bytesOf = (payload: string): number => Buffer.byteLength(payload);

/** Of a run whose steps all came to these outcomes, each under a decision of its own. */
export function factsOf(
  entry: RunEntry,
  outcomes: readonly Outcome[],
  reasons: readonly string[] = [],
  rows: Partial<Pick<ClosedRun, 'approvals' | 'promotions' | 'releases'>> = {},
): RunFacts {
  const steps = outcomes.map((outcome, idx) => ({
    run: 7,
    idx,
    status: outcome.kind === 'succeeded' ? ('succeeded' as const) : ('failed' as const),
    pending: 0,
    flags: 0,
    attempt: 3,
    retries: 2,
    iteration: 1,
    fence: 3,
    worker: 1,
    decisionId: DECISION + 1 + idx,
    hold: null,
    generation: 0,
    dueAt: null,
    startedAt: AT,
    finishedAt: AT,
    reason: outcome.kind === 'succeeded' ? null : (outcome.message ?? null),
    outcome: noteOf(outcome) as unknown as JsonObject,
  }));
  const row = {
    id: 7,
    key: entry.key,
    planId: 1,
    status: 'failed' as const,
    flags: 0,
    attempt: 1,
    nonce: '00'.repeat(16),
    trigger: TRIGGER,
    relations: [],
    decisionId: DECISION,
    concurrencyGroup: null,
    pool: '',
    reason: null,
    createdAt: AT,
    startedAt: AT,
    finishedAt: AT,
    namespaceId: 1,
  };
  const all = { approvals: [], promotions: [], releases: [], ...rows };
  const used = [...steps, ...all.approvals, ...all.promotions, ...all.releases];
  const ids = [DECISION, ...used.flatMap(({ decisionId }) => decisionId ?? [])];
  const decisions = new Map(ids.map((id) => [id, decision(id, reasons)]));
  return runFacts({ row, steps, compiled: entry.compiled, decisions, ...all }, ISSUER, 'maestro/decision');
}

export const answer = (id: number, principal: string, reason = ''): Approval => ({
  id,
  run: 7,
  idx: 0,
  generation: id,
  decision: 'approve',
  provider: 'github',
  principal,
  account: principal,
  reason,
  subjectDigest: digestBytes('seen'),
  environment: null,
  decisionId: id - DECISION + OTHER_DECISION,
  at: AT,
  revokedAt: null,
});

/** As many files of one step as take the room that there is. */
export function fillOf(stepId: string, room: number): readonly Artifact[] {
  const files = Array.from({ length: 100_000 }, (_, i) => {
    return { name: 'site', path: `${i}`.padStart(150, '0'), digest: digestBytes('x'), sizeBytes: 1 };
  });
  const each = receiptBytesOf(stepId, { kind: 'succeeded', artifacts: files.slice(0, 1) });
  return files.slice(0, Math.floor(room / each));
}

function decision(id: number, reasons: readonly string[]): StoredDecision {
  const digests = { packDigest: digestBytes('pack'), inputDigest: digestBytes(`input ${id}`) };
  return {
    id,
    decision: { verdict: 'allow', reasons, obligations: [], ...digests },
    phase: id < DECISION ? 'promotion' : 'step',
    revision: digestBytes('rules'),
    decidedAt: AT,
  };
}
