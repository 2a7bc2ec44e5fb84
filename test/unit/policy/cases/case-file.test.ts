import { describe, expect, test } from 'vitest';
import { isMaestroError } from '../../../../src/base/errors.ts';
import type { Answer } from '../../../../src/policy/answer.ts';
import { parseCaseFile } from '../../../../src/policy/cases/case-file.ts';
import { judgeCase } from '../../../../src/policy/cases/judge-case.ts';
import { SAMPLE_QUESTIONS } from '../../../../src/policy/cases/sample-question.ts';
import { openPolicy } from '../../../../src/policy/evaluate.ts';
import { BUNDLE } from '../fixture.ts';

function refusalOf(text: string): readonly string[] {
  try {
    parseCaseFile(text, 'cases.yaml');
  } catch (error) {
    if (isMaestroError(error, 'POLICY_INVALID')) return error.message.split('\n');
    throw error;
  }
  return [];
}

const inputOf = (input: string) =>
  parseCaseFile(`cases: [{ name: x, verdict: allow, input: ${input} }]`, 'f')[0]?.input;

describe('a file of cases', () => {
  test('lays what a case says over a plain question, null and lists included', () => {
    expect(inputOf('{}')).toEqual(SAMPLE_QUESTIONS.step);
    expect(inputOf('{ phase: run }')).toEqual(SAMPLE_QUESTIONS.run);
    expect(
      inputOf(
        '{ phase: promotion, trigger: { ref: null, isFork: true }, step: { tags: [a], with: { x: { y: 1 } } }, promotion: { clocks: { Europe/Paris: { date: d } }, checks: null } }',
      ),
    ).toEqual({
      ...SAMPLE_QUESTIONS.promotion,
      trigger: { ...SAMPLE_QUESTIONS.promotion.trigger, ref: null, isFork: true },
      step: {
        ...SAMPLE_QUESTIONS.promotion.step,
        tags: ['a'],
        with: { environment: 'staging', x: { y: 1 } },
      },
      promotion: {
        ...SAMPLE_QUESTIONS.promotion.promotion,
        clocks: { ...SAMPLE_QUESTIONS.promotion.promotion.clocks, 'Europe/Paris': { date: 'd' } },
        checks: null,
      },
    });
    expect(inputOf('{ phase: approval, step: null }')).toMatchObject({ phase: 'approval', step: null });
  });

  test.each([
    ['an empty file', '', '1:1: expected one key, `cases`'],
    ['a list', '- name: x', '1:1: expected one key, `cases`'],
    ['another key beside the cases', 'cases: []\nmore: 1', '1:1: expected one key, `cases`'],
    ['no case', 'cases: []', '1:8: expected a list of cases'],
    ['a case that is none', 'cases: [x]', '1:9: expected a case: a mapping'],
    ['broken YAML', 'cases: [', '1:9: '],
    [
      'a name twice',
      'cases:\n- { name: a, input: {}, verdict: deny }\n- { name: a, input: {}, verdict: deny }',
      '3:5: another case',
    ],
    ['a verdict that there is not', 'cases:\n- { name: a, input: {}, verdict: denied }', '2:25: expected one of'],
    [
      'a misspelt key',
      'cases:\n- { name: a, input: {}, verdict: deny, rules: x }',
      '2:40: a case has no rules (did you mean "rule"?)',
    ],
    [
      'an empty rule',
      'cases:\n- { name: a, input: {}, verdict: deny, rule: "" }',
      '2:40: expected how a reason begins',
    ],
    [
      'a list of obligations',
      'cases:\n- { name: a, input: {}, verdict: deny, obligations: [] }',
      '2:40: expected a mapping',
    ],
    ['a question that is none', 'cases:\n- { name: a, input: 1, verdict: deny }', '2:14: expected a mapping'],
    [
      'a phase that there is not',
      'cases:\n- { name: a, input: { phase: start }, verdict: deny }',
      '2:23: expected one of run, step',
    ],
    [
      'a key that no question has',
      'cases:\n- { name: a, input: { step: { uses: x, tag: [a] } }, verdict: deny }',
      '2:40: a question of phase step has no step.tag (did you mean "tags"?)',
    ],
    [
      'a text for a list',
      'cases:\n- { name: a, input: { step: { tags: a } }, verdict: deny }',
      '2:31: step.tags must be a list',
    ],
    [
      'a number for a text',
      'cases:\n- { name: a, input: { step: { uses: 1 } }, verdict: deny }',
      '2:31: step.uses must be a string',
    ],
    [
      'a key of Object',
      'cases:\n- { name: a, input: { toString: 1 }, verdict: deny }',
      '2:23: a question of phase step has no toString',
    ],
  ])('with %s is refused, with the place', (_, text, expected) => {
    expect(refusalOf(text)[0]).toContain(`cases.yaml:${expected}`);
  });

  test('shows twenty mistakes, and how many more there are', () => {
    const cases = Array.from({ length: 30 }, (_, index) => `- { name: c${index}, input: {}, verdict: x }`);
    expect(refusalOf(`cases:\n${cases.join('\n')}`)).toHaveLength(21);
  });

  test('is refused beyond a thousand cases', () => {
    const cases = Array.from({ length: 1001 }, (_, index) => `- { name: c${index}, input: {}, verdict: deny }`);
    expect(refusalOf(`cases:\n${cases.join('\n')}`)[0]).toContain('at most 1000 cases');
  });

  test('begins with questions that the rules understand: none is malformed, and plain work is allowed', async () => {
    const engine = await openPolicy(BUNDLE);
    const answers = Object.values(SAMPLE_QUESTIONS).map((question) => engine.evaluate(question));
    expect(
      answers.flatMap(({ reasons }) => reasons.filter((reason) => /malformed|missing-data|unknown/.test(reason))),
    ).toEqual([]);
    expect(engine.evaluate(SAMPLE_QUESTIONS.run).verdict).toBe('allow');
    expect(engine.evaluate(SAMPLE_QUESTIONS.step).verdict).toBe('allow');
  });
});

describe('a case', () => {
  const [one] = parseCaseFile(
    'cases: [{ name: x, input: {}, verdict: ask, rule: freeze, obligations: { approvals: 2 } }]',
    'f',
  );
  const asked: Answer = {
    verdict: 'ask',
    reasons: ['freeze/window: why'],
    obligations: [{ type: 'approvals', value: 2 }],
  };
  test.each<[string, Partial<Answer>, string | null]>([
    ['passes where verdict, rule and obligations are as expected', {}, null],
    ['passes where the rule is the whole reason', { reasons: ['x', 'freeze'] }, null],
    ['fails for another verdict', { verdict: 'deny' }, 'expected ask, got deny (freeze/window: why)'],
    ['fails for another rule', { reasons: ['freezer/x: y'] }, 'expected a reason of freeze, got freezer/x: y'],
    ['fails without any reason', { reasons: [] }, 'expected a reason of freeze, got no reason'],
    ['fails without the obligation', { obligations: [] }, 'expected the obligation approvals=2, got none'],
    [
      'fails for another value of it',
      { obligations: [{ type: 'approvals', value: 1 }] },
      'expected the obligation approvals=2, got approvals=1',
    ],
  ])('%s', (_, change, problem) => {
    expect(one && judgeCase(one, { ...asked, ...change }).problem).toBe(problem);
  });
});
