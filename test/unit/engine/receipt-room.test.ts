import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { compilePlan } from '../../../src/engine/compiled-plan.ts';
import { noteOf } from '../../../src/engine/outcome-note.ts';
import { receiptBytesOf, receiptRoom } from '../../../src/engine/receipt-room.ts';
import { receiptOf } from '../../../src/engine/receipt-words.ts';
import { RunEntries, type RunEntry } from '../../../src/engine/run-entry.ts';
import { runFacts } from '../../../src/engine/run-facts.ts';
import { RECEIPT_BYTES_RESERVED } from '../../../src/engine/worker-limits.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { Artifact, Outcome } from '../../../src/protocol/outcome.ts';
import type { RunFacts } from '../../../src/provenance/facts.ts';
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

const bytesOf = (payload: string): number => Buffer.byteLength(payload);

/** Without what is kept for the words of people: only the frame of the document is not in the account. */
const reserved = (entry: RunEntry): number =>
  PAYLOAD_BYTES_MAX - RECEIPT_BYTES_RESERVED + FRAME_BYTES - receiptRoom(entry);

/** Of a run whose steps all came to these outcomes, each under a decision of its own. */
function factsOf(entry: RunEntry, outcomes: readonly Outcome[], reasons: readonly string[] = []): RunFacts {
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
  const ids = [999, ...steps.map(({ decisionId }) => decisionId)];
  const decisions = new Map(ids.map((id) => [id, decision(id, reasons)]));
  return runFacts({ row, steps, compiled: entry.compiled, decisions, approvals: [] }, ISSUER, 'maestro/decision');
}

function decision(id: number, reasons: readonly string[]): StoredDecision {
  const digests = { packDigest: digestBytes('pack'), inputDigest: digestBytes(`input ${id}`) };
  return {
    id,
    decision: { verdict: 'allow', reasons, obligations: [], ...digests },
    phase: 'step',
    revision: digestBytes('rules'),
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
  it('holds whatever the steps of a run leave behind, as long as their shares fit', () => {
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 6 }), (outcomes) => {
        const steps = outcomes.map((_, i) => planStep(`step-${i}[${'é'.repeat(i)}]`, { with: { run: `echo ${i}` } }));
        const entry = entryOf(steps);
        const shares = outcomes.map((one, i) => receiptBytesOf(steps[i]?.id ?? '', one));
        const taken = shares.reduce((sum, bytes) => sum + bytes, reserved(entry));
        const silent = outcomes.map(({ message: _message, ...rest }) => rest);
        expect(bytesOf(buildReceipt(factsOf(entry, silent)).payload)).toBeLessThanOrEqual(taken);
      }),
      { numRuns: 200 },
    );
  });

  it('is counted to the byte for artifacts, but for subjects of an ordinary length, which are reserved', () => {
    const steps = [planStep('build[é]')];
    const artifacts = Array.from({ length: 1500 }, (_, i) => {
      return { name: 'site', path: `pages/"${i}"/ü.html`, digest: digestBytes(`${i}`), sizeBytes: i };
    });
    const entry = entryOf(steps);
    const sizeOf = (one: Outcome): number => bytesOf(buildReceipt(factsOf(entry, [one])).payload);
    const more = sizeOf({ kind: 'succeeded', artifacts }) - sizeOf({ kind: 'succeeded' });
    const share = receiptBytesOf('build[é]', { kind: 'succeeded', artifacts });
    const subjects = buildReceipt(factsOf(entry, [{ kind: 'succeeded', artifacts }])).statement.subject.slice(1);
    const own = subjects.reduce((sum, subject) => sum + bytesOf(JSON.stringify(subject)) + 1, 0);
    expect(share + own).toBeGreaterThanOrEqual(more);
    expect(share + own).toBeLessThan(more + 256);
    const long = [{ name: 'site', path: 'ü'.repeat(1000), digest: digestBytes('x'), sizeBytes: 1 }];
    expect(receiptBytesOf('build', { kind: 'succeeded', artifacts: long })).toBeGreaterThan(4000 + 6000);
  });

  it('is most of it for a small plan', () => {
    expect(receiptRoom(entryOf([planStep('a')]))).toBeGreaterThan(15_000_000);
  });

  it('lets thousands of steps leave an artifact where ten thousand ask policy different questions', () => {
    const many = Array.from({ length: 10_000 }, (_, i) =>
      planStep(`step-${i}`, { with: { run: `make ${i}` }, needs: i > 0 ? [`step-${i - 1}`] : [] }),
    );
    const entry = entryOf(many);
    const left = { kind: 'succeeded', exitCode: 0, outputs: { a: 1 }, isolation: 'container' } as const;
    const log = { digest: digestBytes('log'), sizeBytes: 16_777_216, isTruncated: true };
    const artifacts = [{ name: 'report', path: 'report.html', digest: digestBytes('r'), sizeBytes: 123_456 }];
    let room = receiptRoom(entry);
    const outcomes = many.map(({ id }): Outcome => {
      const whole: Outcome = { ...left, log, inputDigest: digestBytes('in'), artifacts };
      room -= receiptBytesOf(id, whole);
      return room >= 0 ? whole : { kind: 'failed', log, errorClass: 'step', message: 'no room for it '.repeat(100) };
    });
    expect(outcomes.filter(({ kind }) => kind === 'succeeded').length).toBeGreaterThan(4000);
    const { payload, statement } = receiptOf(factsOf(entry, outcomes));
    expect(bytesOf(payload)).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
    expect(statement.predicate.steps.at(-1)?.reason).toMatch(/^no room for it .*…$/);
  });
});

describe('what a receipt says in words', () => {
  const entry = entryOf(Array.from({ length: 1000 }, (_, i) => planStep(`step-${i}`, { with: { run: `make ${i}` } })));
  const fail = (message: string): Outcome => ({ kind: 'failed', message });
  const DONE: Outcome = { kind: 'succeeded' };

  it('stands in it whole while there is room', () => {
    const facts = factsOf(
      entry,
      Array.from({ length: 1000 }, () => fail('why '.repeat(1000))),
      ['because'],
    );
    expect(receiptOf(facts)).toEqual(buildReceipt(facts));
  });

  it('is cut where it is longest, so that all of it fits and the receipt is as full as it can be', () => {
    const long = ['"\u0001ü😀'.repeat(5000), 'short', 'x'.repeat(40_000)];
    const words = Array.from({ length: 1000 }, (_, i) => fail(long[i % 3] ?? ''));
    const facts = factsOf(entry, words, ['base/a: '.repeat(3000), 'base/b: as it is']);
    const { payload, statement } = receiptOf(facts);
    expect(bytesOf(payload)).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
    expect(bytesOf(payload)).toBeGreaterThan(PAYLOAD_BYTES_MAX - 65_536);
    const { steps, policy } = statement.predicate;
    expect(steps[1]?.reason).toBe('short');
    for (const step of [steps[0], steps[2]]) expect(step?.reason).toMatch(/^.{1000,}…$/su);
    expect(policy[5]?.reasons).toEqual([expect.stringMatching(/^base\/a: .*…$/), 'base/b: as it is']);
  });

  it('is left out where there is room for nothing else', () => {
    const artifacts = Array.from({ length: 30_000 }, (_, i) => {
      return { name: 'site', path: `${i}`.padStart(200, '0'), digest: digestBytes('x'), sizeBytes: 1 };
    });
    const small = entryOf([planStep('a'), planStep('b'), planStep('c')]);
    const full = (count: number): Outcome => ({ kind: 'succeeded', artifacts: artifacts.slice(0, count) });
    const sizeOf = (facts: RunFacts): number => bytesOf(buildReceipt(facts).payload);
    const each =
      (sizeOf(factsOf(small, [full(3000), DONE, DONE])) - sizeOf(factsOf(small, [full(2000), DONE, DONE]))) / 1000;
    const base = sizeOf(factsOf(small, [full(2000), DONE, DONE]));
    const count = 2000 + Math.floor((PAYLOAD_BYTES_MAX - base) / each);
    const wordy = (files: number): RunFacts =>
      factsOf(small, [full(files), fail('x'.repeat(4000)), DONE], ['y'.repeat(500)]);
    expect(receiptOf(wordy(count - 2)).statement.predicate.steps[1]?.reason).toMatch(/^x+…$/);
    expect(() => receiptOf(wordy(count + 2))).toThrow(expect.objectContaining({ code: 'FILE_TOO_LARGE' }));
  });
});
