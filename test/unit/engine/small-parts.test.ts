import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { backoffMs } from '../../../src/engine/backoff.ts';
import { closureOf, compilePlan, stepAt } from '../../../src/engine/compiled-plan.ts';
import { type FinishedStep, runContexts, stepContexts } from '../../../src/engine/contexts.ts';
import { noteText } from '../../../src/engine/outcome-note.ts';
import { keptSteps } from '../../../src/engine/retry.ts';
import type { RetryScope } from '../../../src/protocol/client.ts';
import type { StepState } from '../../../src/store/codes.ts';
import type { RunRow, StepRow } from '../../../src/store/run-rows.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';

describe('backoff', () => {
  const backoff = { initialMs: 100, factor: 2, maxMs: 1000, jitter: 'none' } as const;

  it('grows by its factor up to its maximum', () => {
    expect([0, 1, 2, 3, 4, 9].map((retries) => backoffMs(backoff, retries, 0.5))).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ]);
  });

  it('takes with full jitter a share of that, never more and never a fraction', () => {
    fc.assert(
      fc.property(fc.nat(10), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (retries, chance) => {
        const delay = backoffMs({ ...backoff, jitter: 'full' }, retries, chance);
        expect(delay).toBe(Math.round(backoffMs(backoff, retries, 0) * chance));
      }),
    );
    expect.hasAssertions();
  });
});

describe('the note of an outcome', () => {
  it('is JSON that a jsonb column takes, and equal but for NUL and lone surrogates', () => {
    const unit = fc.oneof(
      fc.constantFrom('\0', '\ud800', '\udfff', '\\', '\\u0000', '"', '\u{1f600}', 'x', '\\\\ud800'),
      fc.string({ unit: 'binary' }),
    );
    const text = fc.array(unit, { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, (key, value) => {
        const note = JSON.parse(noteText({ outputs: { [`k${key}`]: value } }) ?? '') as { outputs: JsonObject };
        const clean = (one: string): string => one.toWellFormed().replaceAll('\0', '\ufffd');
        expect(note).toEqual({ outputs: { [`k${clean(key)}`]: clean(value) } });
      }),
    );
    expect(noteText({})).toBeNull();
  });
});

describe('contexts', () => {
  const compiled = compilePlan(
    planOf([
      planStep('m[1]', { base: 'm', matrix: { n: '1' } }),
      planStep('m[2]', { base: 'm', matrix: { n: '2' } }),
      planStep('use', {
        needs: ['m[1]', 'm[2]'],
        matrix: { os: 'linux' },
        with: { run: `\${{ steps.m.outputs.a }}`, shell: 'bash' },
      }),
      planStep('blind', { needs: ['use'] }),
    ]),
  );
  const shared = runContexts(compiled, { key: 'key', attempt: 2, trigger: TRIGGER });
  const of = (idx: number, finished: readonly (FinishedStep | undefined)[]) =>
    stepContexts(shared, compiled, idx, (other) => finished[other]);
  const done = (status: StepState, outcome: JsonObject = {}): FinishedStep => ({ status, outcome });

  it('merge the outputs of a matrix in order', () => {
    const contexts = of(2, [
      done('succeeded', { outputs: { a: '1', b: '1' } }),
      done('succeeded', { outputs: { b: '2' } }),
    ]);
    expect(contexts.steps).toEqual({
      m: { outputs: { a: '1', b: '2' }, result: 'success', outcome: 'success', conclusion: 'success' },
    });
    expect(contexts.matrix).toEqual({ os: 'linux' });
    expect(contexts.run).toMatchObject({ id: 'key', attempt: 2, actor: TRIGGER.actor.id });
    // A worker binds cached results to both.
    expect(contexts.run).toMatchObject({ source: TRIGGER.source.uri, isFork: TRIGGER.isFork });
  });

  const results: readonly [StepState, StepState, JsonObject, outcome: string, conclusion: string][] = [
    ['succeeded', 'succeeded', {}, 'success', 'success'],
    ['succeeded', 'failed', {}, 'failure', 'failure'],
    ['succeeded', 'failed', { isAbsorbed: true }, 'failure', 'success'],
    ['skipped', 'cancelled', {}, 'cancelled', 'cancelled'],
    ['succeeded', 'skipped', {}, 'skipped', 'skipped'],
    ['cancelled', 'denied', {}, 'failure', 'failure'],
  ];
  for (const [first, second, note, outcome, conclusion] of results) {
    it(`call a matrix of ${first} and ${second}${note.isAbsorbed ? ' (absorbed)' : ''} ${outcome}, then ${conclusion}`, () => {
      expect(of(2, [done(first), done(second, note)]).steps.m).toMatchObject({
        outcome,
        conclusion,
        result: conclusion,
      });
    });
  }

  it('hold of other steps only what the step reads', () => {
    expect(of(3, [done('succeeded'), done('succeeded'), done('succeeded')]).steps).toEqual({});
  });
});

describe('a retry', () => {
  const compiled = compilePlan(
    planOf([
      planStep('m[1]', { base: 'm' }),
      planStep('m[2]', { base: 'm' }),
      planStep('j', { needs: ['m[1]', 'm[2]'] }),
      planStep('x'),
      planStep('z', { needs: ['j', 'x'] }),
    ]),
  );
  const row = { key: 'run', status: 'failed' } as RunRow;
  const rows = (...states: readonly (StepState | 'absorbed')[]): readonly StepRow[] =>
    states.map((state, idx) => ({
      run: 1,
      idx,
      status: state === 'absorbed' ? 'failed' : state,
      outcome: state === 'absorbed' ? { isAbsorbed: true } : {},
    })) as unknown as readonly StepRow[];

  const table: readonly [string, readonly StepRow[], RetryScope, readonly number[]][] = [
    ['of all keeps nothing', rows('succeeded', 'succeeded', 'succeeded', 'succeeded', 'failed'), { type: 'all' }, []],
    [
      'of what failed keeps the rest',
      rows('succeeded', 'failed', 'skipped', 'succeeded', 'skipped'),
      { type: 'failed' },
      [0, 3],
    ],
    [
      'keeps an absorbed failure',
      rows('succeeded', 'absorbed', 'succeeded', 'failed', 'skipped'),
      { type: 'failed' },
      [0, 1, 2],
    ],
    [
      'redoes what follows a failure, though it succeeded',
      rows('succeeded', 'failed', 'succeeded', 'succeeded', 'succeeded'),
      { type: 'failed' },
      [0, 3],
    ],
    [
      'from a step redoes what follows it',
      rows('succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded'),
      { type: 'from', step: 'j' },
      [0, 1, 3],
    ],
    [
      'from a base redoes every combination',
      rows('succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded'),
      { type: 'from', step: 'm' },
      [3],
    ],
    [
      'from one combination redoes that one',
      rows('succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded'),
      { type: 'from', step: 'm[2]' },
      [0, 3],
    ],
    [
      'redoes what was cancelled or denied',
      rows('succeeded', 'cancelled', 'cancelled', 'denied', 'cancelled'),
      { type: 'failed' },
      [0],
    ],
  ];
  for (const [name, steps, scope, kept] of table) {
    it(`decides what is kept: ${name}`, () => {
      expect(keptSteps(row, steps, compiled, scope).map((step) => step.idx)).toEqual(kept);
    });
  }

  it('follows successors to the end', () => {
    expect(closureOf(compiled, [1])).toEqual(new Set([1, 2, 4]));
  });

  it('knows no step behind the last', () => {
    expect(() => stepAt(compiled, 5)).toThrow(RangeError);
  });
});
