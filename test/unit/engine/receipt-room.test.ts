import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { answerBytes, assertReceiptFits, receiptBytesOf, receiptRoom } from '../../../src/engine/receipt-room.ts';
import { receiptOf } from '../../../src/engine/receipt-words.ts';
import type { RunEntry } from '../../../src/engine/run-entry.ts';
import { ANSWER_BYTES_MAX, RECEIPT_BYTES_RESERVED } from '../../../src/engine/worker-limits.ts';
import { PLAN_RECEIPT_BYTES_MAX } from '../../../src/pipeline/limits.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import { DECISION_BYTES, idBytes, stepBytes } from '../../../src/pipeline/receipt-bytes.ts';
import type { Artifact, Outcome } from '../../../src/protocol/outcome.ts';
import type { RunFacts } from '../../../src/provenance/facts.ts';
import { buildReceipt, PAYLOAD_BYTES_MAX } from '../../../src/provenance/receipt.ts';
import { toRunRecord } from '../../../src/provenance/run-record.ts';
import { realPolicy } from '../../fakes/engine.ts';
import { planStep } from '../../fakes/plans.ts';
import { answer, bytesOf, DECISION, entryOf, factsOf, fillOf } from './closed-run.ts';

const FRAME_BYTES = 1024;

/** Without what is kept for people and words: only the frame of the document is not in the account. */
const reserved = (entry: RunEntry): number =>
  PAYLOAD_BYTES_MAX - RECEIPT_BYTES_RESERVED - ANSWER_BYTES_MAX + FRAME_BYTES - receiptRoom(entry);

const times = (count: number, make: (i: number) => PlanStep): readonly PlanStep[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** Layers of combinations, each of which needs all of the layer before. */
const layers = (count: number, chars: number): readonly PlanStep[] =>
  times(4 * count, (i) => {
    const idOf = (layer: number, n: number): string => `${layer}[${`${n}`.padStart(chars, 'x')}]`;
    const layer = Math.floor(i / count);
    const before = layer === 0 ? [] : Array.from({ length: count }, (_, n) => idOf(layer - 1, n));
    return planStep(idOf(layer, i % count), { base: `${layer}`, needs: before });
  });

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

  it.each([
    ['an ordinary step', planStep('build')],
    ['one whose id takes more bytes than characters', planStep('build["é😀"]')],
    ['one that needs others', planStep('build', { needs: ['a', 'test["é"]'] })],
    [
      'one whose code has a digest',
      planStep('build', { code: { uri: 'pkg:npm/"x"@1.0.0', digest: digestBytes('x') } }),
    ],
    ['one of a long class of runners', planStep('build', { runner: 'self-hosted-ü' })],
    ['one that acts on an environment', planStep('build', { environment: 'prod-"ü"' })],
  ])('is less by what a step takes at most: %s', (_, step) => {
    const whole: Outcome = {
      kind: 'succeeded',
      exitCode: 0,
      outputs: {},
      isolation: 'container',
      inputDigest: digestBytes('in'),
      log: { digest: digestBytes('log'), sizeBytes: 9_999_999_999, isTruncated: false },
    };
    const sizeOf = (steps: readonly PlanStep[]): number => {
      const facts = factsOf(
        entryOf(steps),
        steps.map(() => whole),
      );
      return bytesOf(buildReceipt({ ...facts, policy: [] }).payload);
    };
    const first = planStep('first');
    const taken = sizeOf([first, step]) - sizeOf([first]);
    const counted = step.needs.reduce((sum, need) => sum + idBytes(need), stepBytes(step)) - DECISION_BYTES;
    expect(counted).toBeGreaterThanOrEqual(taken);
    expect(counted).toBeLessThan(taken + 24);
    expect(receiptRoom(entryOf([first])) - receiptRoom(entryOf([first, step]))).toBe(counted + DECISION_BYTES);
  });

  it('is less by what undoes a step', () => {
    const code = { uri: 'maestro:step/http', digest: digestBytes('http') };
    const compensate = { uses: 'http', code, with: {}, env: {}, timeoutMs: 1000 };
    const undone = stepBytes(planStep('a', { compensate })) - stepBytes(planStep('a'));
    const undoing = planStep('a:compensate', { code, needs: ['a'] });
    // It is not among the steps that the plan promised.
    expect(undone).toBe(stepBytes(undoing) + idBytes('a') - idBytes('a:compensate'));
  });

  it('is less by one decision of every step, as policy that has changed answers equal questions anew', async () => {
    const entry = entryOf(times(6000, (i) => planStep(`step-${i}`)));
    const [first, ...others] = entry.compiled.plan.steps;
    const artifacts = fillOf(first?.id ?? '', receiptRoom(entry));
    const full: Outcome = { kind: 'succeeded', outputs: {}, artifacts };
    const facts = factsOf(entry, [full, ...others.map((): Outcome => ({ kind: 'succeeded', outputs: {} }))]);
    expect(facts.policy).toHaveLength(6001);
    expect(bytesOf(receiptOf(facts).payload)).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
  });

  it('counts a decision as long as this build makes them', async () => {
    const { entrypoint, revision } = await realPolicy();
    const facts = factsOf(entryOf([planStep('a')]), [{ kind: 'succeeded' }]);
    const policy = facts.policy.map((one) => ({ ...one, entrypoint, bundle: { ...one.bundle, revision } }));
    const [record] = toRunRecord({ ...facts, policy }).policy;
    expect(bytesOf(JSON.stringify(record)) + 1).toBe(DECISION_BYTES);
  });

  it('is less by the answers of people, whatever they say', () => {
    const step = planStep('a');
    const entry = entryOf([step]);
    const answers = Array.from({ length: 2000 }, (_, i) => answer(DECISION + i, `person-${i}`, 'because '.repeat(500)));
    const within = answers.slice(0, Math.floor(ANSWER_BYTES_MAX / answerBytes(answers.slice(-1), entry.compiled)));
    expect(within.length).toBeGreaterThan(250);
    expect(answerBytes(within, entry.compiled)).toBeLessThanOrEqual(ANSWER_BYTES_MAX);
    const full: Outcome = { kind: 'succeeded', artifacts: fillOf('a', receiptRoom(entry)) };
    const { payload, statement } = receiptOf(factsOf(entry, [full], [], { approvals: within }));
    expect(bytesOf(payload)).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
    expect(statement.predicate.approvals).toHaveLength(within.length);
    expect(statement.predicate.policy).toHaveLength(within.length + 2);
    expect(statement.predicate.approvals[0]?.reason).toMatch(/^because .*…$/);
  });

  it('is not there for a plan whose steps need too many others of long names, which must not begin', () => {
    const tooLarge = entryOf(layers(256, 150));
    expect(receiptRoom(tooLarge)).toBe(0);
    expect(() => assertReceiptFits(tooLarge)).toThrow(expect.objectContaining({ code: 'PIPELINE_INVALID' }));
    for (const fits of [layers(256, 40), layers(64, 150)]) expect(() => assertReceiptFits(entryOf(fits))).not.toThrow();
  });

  it('is enough for hundreds of artifacts in the largest plan that a pipeline file may make', () => {
    const each = stepBytes(planStep('step-10000'));
    const largest = entryOf(times(Math.floor(PLAN_RECEIPT_BYTES_MAX / each), (i) => planStep(`step-${10_000 + i}`)));
    expect(receiptRoom(largest)).toBeGreaterThan(262_144);
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
    expect(room).toBeGreaterThan(1_800_000);
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
