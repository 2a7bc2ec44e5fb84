import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAnswer } from '../../../../src/policy/answer.ts';
import type { Verdict } from '../../../../src/policy/decision.ts';
import { narrowed, ownVerdict, ownWords, readOwnAnswer } from '../../../../src/policy/own/own-answer.ts';

const said = (value: unknown) => readOwnAnswer('acme', { value });
const merged = (ours: unknown, ...values: readonly unknown[]) => readAnswer(narrowed(ours, values.map(said)));
const allow = { verdict: 'allow', reasons: [], obligations: [] };
const ask = { verdict: 'ask', reasons: ['base/tag-asks: why'], obligations: [{ type: 'approvals', value: 1 }] };
const deny = { verdict: 'deny', reasons: ['base/tag-denied: why'], obligations: [] };

describe('own rules', () => {
  test('that say nothing change nothing', () => {
    for (const ours of [allow, ask, deny]) expect(merged(ours, { deny: [] }, { ask: [], oblige: [] })).toEqual(ours);
  });

  test('deny, ask and oblige under the name of their bundle', () => {
    expect(merged(allow, { ask: ['b: 1'] }, { deny: ['base/tag-denied: 2', 'engine/x'], ask: ['b'] })).toEqual({
      verdict: 'deny',
      reasons: ['own/acme/base/tag-denied: 2', 'own/acme/engine/x'],
      obligations: [],
    });
    expect(merged(ask, { ask: ['size: 1'], oblige: [{ type: 'hold', value: 'the audit' }] })).toEqual({
      verdict: 'ask',
      reasons: ['base/tag-asks: why', 'own/acme/size: 1'],
      obligations: [
        { type: 'approvals', value: 1 },
        { type: 'hold', value: 'own/acme: the audit' },
      ],
    });
    expect(merged(deny, { deny: ['size: 1'], oblige: [{ type: 'approvals', value: 9 }] })).toEqual({
      ...deny,
      reasons: ['base/tag-denied: why', 'own/acme/size: 1'],
    });
  });

  test('oblige to the strictest of what both oblige to', () => {
    const duties = (approvals: number, seconds: number, runs: number) => [
      { type: 'approvals', value: approvals },
      { type: 'expires-seconds', value: seconds },
      { type: 'runs-max', value: runs },
      { type: 'jobs-max', value: 'gpu=2' },
    ];
    const { obligations } = merged({ ...allow, obligations: duties(2, 60, 5) }, { oblige: duties(1, 30, 9) });
    expect(obligations).toEqual(expect.arrayContaining(duties(2, 30, 5)));
    expect(obligations).toHaveLength(4);
  });

  test('never widen, whatever they answer', () => {
    const order: readonly Verdict[] = ['allow', 'ask', 'deny'];
    const texts = fc.array(fc.string(), { maxLength: 2 });
    const duty = fc.record({ type: fc.constantFrom('approvals', 'hold', 'x'), value: fc.constantFrom(1, 2, 'y') });
    const shaped = fc.record(
      { deny: texts, ask: texts, oblige: fc.array(duty, { maxLength: 2 }), allow: fc.boolean() },
      { requiredKeys: [] },
    );
    const anything = fc.oneof(shaped, fc.jsonValue(), fc.constant(undefined));
    fc.assert(
      fc.property(fc.constantFrom(allow, ask, deny), fc.array(anything, { maxLength: 3 }), (ours, values) => {
        const answer = merged(ours, ...values);
        expect(order.indexOf(answer.verdict)).toBeGreaterThanOrEqual(order.indexOf(ours.verdict as Verdict));
        const isStricter = (value: unknown) =>
          answer.verdict === 'deny' ||
          answer.obligations.some((one) => one.type === 'approvals' && Number(one.value) >= Number(value));
        expect(ours.obligations.every(({ value }) => isStricter(value))).toBe(true);
        const foreign = answer.reasons.filter(
          (reason) => !reason.startsWith('own/acme/') && !ours.reasons.includes(reason),
        );
        expect(foreign.filter((reason) => !/^engine\/(own-rules|more): /.test(reason))).toEqual([]);
      }),
    );
  });

  test('that give an answer which ours could not give leave it for the denial that follows', () => {
    for (const ours of [undefined, 'x', {}, { verdict: 'allow' }])
      expect(merged(ours, { deny: ['x'] })).toMatchObject({
        verdict: 'deny',
        reasons: [expect.stringContaining('evaluation-error')],
      });
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'is undefined'],
    ['true', true, 'not an object'],
    ['a list', ['x'], 'not an object'],
    ['an empty object', {}, 'none of them'],
    ['an allow', { deny: [], allow: true }, 'has allow'],
    ['a misspelt set', { denny: ['x'] }, 'has denny'],
    ['a text for a set', { deny: 'x' }, 'sets of texts'],
    ['a set of numbers', { ask: [1] }, 'sets of texts'],
    ['an empty reason', { deny: [''] }, 'sets of texts'],
    ['an object for a set', { oblige: {} }, 'oblige a set'],
    ['an obligation that nobody knows', { oblige: [{ type: 'dance', value: 1 }] }, 'obliged to {"type":"dance"'],
    ['an obligation of Object', { oblige: [{ type: 'toString', value: 1 }] }, 'obliged to'],
    ['an obligation with more to it', { oblige: [{ type: 'approvals', value: 1, by: 'x' }] }, 'obliged to'],
    ['no approvals', { oblige: [{ type: 'approvals', value: 0 }] }, 'obliged to'],
    ['half an approval', { oblige: [{ type: 'approvals', value: 1.5 }] }, 'obliged to'],
    ['an approver who may be the actor', { oblige: [{ type: 'approver-is-not-actor', value: false }] }, 'obliged to'],
    ['a hold for no reason', { oblige: [{ type: 'hold', value: '' }] }, 'obliged to'],
    ['a hold until nowhen', { oblige: [{ type: 'hold-until', value: 'soon' }] }, 'obliged to'],
    ['jobs without a class', { oblige: [{ type: 'jobs-max', value: '2' }] }, 'obliged to'],
  ])('that answer %s deny, and say why', (_, value, why) => {
    const answer = merged(allow, value);
    expect(answer).toMatchObject({ verdict: 'deny', obligations: [] });
    expect(answer.reasons).toEqual([expect.stringContaining('engine/own-rules: own/acme gave no answer: ')]);
    expect(answer.reasons[0]).toContain(why);
  });

  test('are explained under the name of their bundle, and judged by their cases in their own words', () => {
    const answer = said({ ask: ['size: 1'], oblige: [{ type: 'hold', value: 'x' }] });
    expect(ownVerdict(answer)).toEqual({
      pack: 'own/acme',
      verdict: 'ask',
      reasons: ['own/acme/size: 1'],
      obligations: [{ type: 'hold', value: 'own/acme: x' }],
    });
    expect(ownWords(answer)).toMatchObject({ reasons: ['size: 1'], obligations: [{ type: 'hold', value: 'x' }] });
  });
});
