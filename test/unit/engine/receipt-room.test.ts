import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { compilePlan } from '../../../src/engine/compiled-plan.ts';
import { noteOf } from '../../../src/engine/outcome-note.ts';
import { receiptBytesOf, receiptRoom } from '../../../src/engine/receipt-room.ts';
import { RunEntries, type RunEntry } from '../../../src/engine/run-entry.ts';
import { runFacts } from '../../../src/engine/run-facts.ts';
import { REASON_BYTES_FREE, RECEIPT_BYTES_RESERVED } from '../../../src/engine/worker-limits.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Artifact, Outcome } from '../../../src/protocol/outcome.ts';
import { buildReceipt, PAYLOAD_BYTES_MAX } from '../../../src/provenance/receipt.ts';
import type { StoredDecision } from '../../../src/store/decisions.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';

const FRAME_BYTES = 1024;
const AT = new Date(1_790_000_000_123);
const ISSUER = {
  builderId: 'https://maestro.example.com/builders/github-app/v1',
  version: '0.1.0',
  keyReachableBySteps: false,
};

const entryOf = (steps: readonly PlanStep[]): RunEntry => {
  const run = { id: 7, key: '01jd4z8f3k5q7r9t0v2w4x6y8z', attempt: 1, planId: 1, trigger: TRIGGER };
  return new RunEntries().add(run, compilePlan(planOf(steps)));
};

/** The payload of a run whose steps all came to these outcomes, each under a decision of its own. */
function payloadBytes(entry: RunEntry, outcomes: readonly Outcome[]): number {
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
    decisionId: 1000 + idx,
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
    decisionId: 999,
    concurrencyGroup: null,
    pool: '',
    reason: null,
    createdAt: AT,
    startedAt: AT,
    finishedAt: AT,
  };
  const decisions = new Map([999, ...steps.map(({ decisionId }) => decisionId)].map((id) => [id, decision(id)]));
  const facts = runFacts(
    { row, steps, compiled: entry.compiled, decisions, approvals: [] },
    ISSUER,
    'maestro/decision',
  );
  return Buffer.byteLength(buildReceipt(facts).payload);
}

function decision(id: number): StoredDecision {
  const digests = { packDigest: digestBytes('pack'), inputDigest: digestBytes(`input ${id}`) };
  const reasons = ['base/allowed: nothing in the data of this pack forbids a step of this kind on this runner'];
  return {
    id,
    decision: { verdict: 'allow', reasons, obligations: [], ...digests },
    phase: 'step',
    revision: 'r1',
    decidedAt: AT,
  };
}

const text = (max: number) => fc.string({ minLength: 1, maxLength: max, unit: 'binary' }).map((t) => t.toWellFormed());
const artifact: fc.Arbitrary<Artifact> = fc.record({
  name: text(20),
  path: text(60),
  digest: fc.constant(digestBytes('x')),
  sizeBytes: fc.maxSafeNat(),
});
const outcome: fc.Arbitrary<Outcome> = fc.record(
  {
    kind: fc.constantFrom('succeeded' as const, 'failed' as const),
    message: text(400),
    artifacts: fc.array(artifact, { maxLength: 8 }),
    outputs: fc.constant({ a: 1 }),
    exitCode: fc.constant(0),
    isolation: fc.constant('container' as const),
    inputDigest: fc.constant(digestBytes('in')),
    log: fc.constant({ digest: digestBytes('log'), sizeBytes: 16_777_216, isTruncated: true }),
  },
  { requiredKeys: ['kind'] },
);

describe('the room of a receipt', () => {
  it('holds whatever the steps of a run leave behind, as long as its shares fit', () => {
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 6 }), (outcomes) => {
        const steps = outcomes.map((_, i) => planStep(`step-${i}[${'é'.repeat(i)}]`, { with: { run: `echo ${i}` } }));
        const entry = entryOf(steps);
        const shares = outcomes.map((one, i) => receiptBytesOf(steps[i]?.id ?? '', one));
        // Without what is kept for the words of people: only the frame of the document is not in the account.
        const used = PAYLOAD_BYTES_MAX - RECEIPT_BYTES_RESERVED + FRAME_BYTES - receiptRoom(entry);
        const taken = shares.reduce((sum, bytes) => sum + bytes, used);
        expect(payloadBytes(entry, outcomes)).toBeLessThanOrEqual(taken);
      }),
      { numRuns: 200 },
    );
  });

  it('is counted to the byte for artifacts', () => {
    const steps = [planStep('build[é]')];
    const artifacts = Array.from({ length: 1500 }, (_, i) => {
      return { name: 'site', path: `pages/"${i}"/ü.html`, digest: digestBytes(`${i}`), sizeBytes: i };
    });
    const entry = entryOf(steps);
    const more = payloadBytes(entry, [{ kind: 'succeeded', artifacts }]) - payloadBytes(entry, [{ kind: 'succeeded' }]);
    const share = receiptBytesOf('build[é]', { kind: 'succeeded', artifacts });
    expect(share).toBeGreaterThanOrEqual(more);
    expect(share).toBeLessThan(more + 256);
  });

  it('is most of it for a small plan, and what is left for one of ten thousand steps', () => {
    expect(receiptRoom(entryOf([planStep('a')]))).toBeGreaterThan(15_000_000);
    const many = Array.from({ length: 10_000 }, (_, i) =>
      planStep(`step-${i}`, { needs: i > 0 ? [`step-${i - 1}`] : [] }),
    );
    const room = receiptRoom(entryOf(many));
    expect(room).toBeGreaterThan(1_000_000);
    const outcomes = many.map((): Outcome => ({ kind: 'failed', message: 'x'.repeat(REASON_BYTES_FREE - 2) }));
    expect(outcomes.every((one) => receiptBytesOf('step-9999', one) === 0)).toBe(true);
  });
});
