import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import type { Json } from '../../../src/base/json.ts';
import { evaluateCondition, evaluateExpression, evaluateTemplate } from '../../../src/pipeline/expression.ts';
import { readsOfStep, referencesOf } from '../../../src/pipeline/expression-references.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';

const CONTEXTS = {
  github: { ref: 'refs/heads/main', event: { issue: { title: 'it is ${{ github.ref }}' } } },
  params: { env: 'prod', count: 3, list: ['a', 'b'], deep: { Key: { x: 1 } } },
  steps: { build: { outputs: { ok: true, nothing: null }, result: 'success' } },
  odd: { constructor: 'own', toString: 'own too' },
};
const FUNCTIONS = {
  success: () => true,
  failure: () => false,
  hashFiles: (...globs: readonly Json[]) => `hash of ${JSON.stringify(globs)}`,
};
const value = (text: string) => evaluateExpression(text, CONTEXTS, FUNCTIONS);

describe('an expression', () => {
  test.each<[string, Json]>([
    ["github.ref == 'REFS/heads/main'", true],
    ['params.count', 3],
    ['inputs.count', 3],
    ['INPUTS.Count', 3],
    ['params.list[1]', 'b'],
    ['params.list', ['a', 'b']],
    ['params.deep', { Key: { x: 1 } }],
    ['params.deep.key.X', 1],
    ["params['env']", 'prod'],
    ['steps.*.result', ['success']],
    ['steps.none.outputs.x', null],
    ['runner.os', null],
    ['steps.build.outputs.ok && failure()', false],
    ["contains(params.list, 'a')", true],
    ["format('{0}-{1}-{{0}}', params.env, params.count)", 'prod-3-{0}'],
    ["join(params.list, '+')", 'a+b'],
    ['fromJSON(\'{"a":[1]}\').a[0]', 1],
    ['toJSON(params.list)', '[\n  "a",\n  "b"\n]'],
    ["'it''s ''all'' there'", "it's 'all' there"],
    ["hashFiles('a', 'b')", 'hash of ["a","b"]'],
    ["HASHFILES('a')", 'hash of ["a"]'],
    ['1 < 2', true],
    ["case(params.count == 3, 'three', 'other')", 'three'],
    ['steps.build == steps.build', true],
    ['${{ params.count }}', 3],
    ['odd.constructor', 'own'],
    ['odd.toString', 'own too'],
  ])('%s is %j', (text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  test.each([
    'params.constructor',
    'params.__proto__',
    'params.list.length',
    'github.ref.length',
    "params['toString']",
    'params.deep.hasOwnProperty',
  ])('%s reaches nothing behind the data', (text) => {
    expect(value(text)).toBeNull();
  });

  test.each([
    ['an unknown function', 'nothing()'],
    ['a function of every object', "constructor('return 1')"],
    ['hasOwnProperty', "hasownproperty('x')"],
    ['a syntax error', 'a &&'],
    ['nothing', ''],
    ['text beside it', '${{ params.count }} and'],
    ['a failing function', "fromJSON('{')"],
    ['too many levels', '('.repeat(60) + '1' + ')'.repeat(60)],
    ['too many symbols', Array.from({ length: 1100 }, () => '1').join('==')],
    ['too long a text', `'${'x'.repeat(21_000)}'`],
    ['a text that doubles itself', doubling(40)],
    ['a long join', `join(fromJSON('[${Array.from({ length: 5000 }, () => '1').join()}]'), '${'x'.repeat(1000)}')`],
  ])('refuses %s with EXPRESSION_FAILED', (_title, text) => {
    expect(codeOf(() => value(text))).toBe('EXPRESSION_FAILED');
  });

  test.each<[string, boolean]>([
    ['success()', true],
    ["''", false],
    ["'false'", true],
    ['0', false],
    ['null', false],
    ["fromJSON('[]')", true],
    ["params.env == 'prod' && !failure()", true],
  ])('as a condition, %s is %s', (text, expected) => {
    expect(evaluateCondition(text, CONTEXTS, FUNCTIONS)).toBe(expected);
  });

  test('gives any JSON value back as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (json) => {
        const data = json as Json;
        expect(evaluateExpression('params.value', { params: { value: data } }, {})).toEqual(data);
      }),
    );
  });

  test('never ends in anything but a value or a MaestroError', () => {
    const words = [
      'params',
      '.',
      'env',
      '[',
      ']',
      '(',
      ')',
      "'a'",
      '==',
      '&&',
      '!',
      '*',
      ',',
      'format',
      'fromJSON',
      '1',
      'constructor',
      '__proto__',
      '{',
      '$',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 12 }), (parts) => {
        const error = thrown(() => value(parts.join(' ')));
        expect(error === undefined || isMaestroError(error, 'EXPRESSION_FAILED')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a template', () => {
  test('keeps the type of a single expression and writes others into their text', () => {
    const input = {
      a: '${{ params.count }}',
      b: ['n=${{ params.count }}!', { c: '${{ params.list }}' }],
      d: 5,
      e: 'plain',
    };
    expect(evaluateTemplate(input, CONTEXTS, FUNCTIONS)).toEqual({
      a: 3,
      b: ['n=3!', { c: ['a', 'b'] }],
      d: 5,
      e: 'plain',
    });
  });

  test('never evaluates what it read', () => {
    expect(evaluateTemplate('${{ github.event.issue.title }}', CONTEXTS, {})).toBe('it is ${{ github.ref }}');
    expect(evaluateTemplate('x ${{ github.event.issue.title }}', CONTEXTS, {})).toBe('x it is ${{ github.ref }}');
  });

  test('does not end an expression inside a quoted text', () => {
    expect(evaluateTemplate("${{ format('{0}}}', 'a') }}-${{ '}}' }}", CONTEXTS, {})).toBe('a}-}}');
  });

  test('writes null as nothing', () => {
    expect(evaluateTemplate('[${{ steps.build.outputs.nothing }}]', CONTEXTS, {})).toBe('[]');
  });

  test('leaves a value without expressions alone', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        fc.pre(!JSON.stringify(json).includes('${{'));
        expect(evaluateTemplate(json as Json, {}, {})).toEqual(json);
      }),
    );
  });

  test('deeper than the limit is refused', () => {
    let deep: Json = 'x';
    for (let i = 0; i < 101; i++) deep = [deep];
    expect(codeOf(() => evaluateTemplate(deep, {}, {}))).toBe('EXPRESSION_FAILED');
  });
});

describe('references', () => {
  test('tell contexts, paths and functions without evaluating', () => {
    const { contexts, paths, functions } = referencesOf(
      "steps.a.outputs.x == inputs.p && contains(github['ref'], matrix[env.A]) || failure()",
    );
    expect([...contexts].sort()).toEqual(['env', 'github', 'matrix', 'params', 'steps']);
    expect(paths).toContainEqual(['steps', 'a', 'outputs', 'x']);
    expect(paths).toContainEqual(['github', 'ref']);
    expect(paths).toContainEqual(['matrix', '*']);
    expect(paths).toContainEqual(['params', 'p']);
    expect([...functions].sort()).toEqual(['contains', 'failure']);
  });

  test('of a step name every step that its templates and context_from read', () => {
    const step = {
      if: 'success() && steps.a.result',
      with: { x: ['${{ steps.b.outputs.x }}'], context_from: ['c'] },
      env: { E: '${{ secrets.T }}' },
      outputs: {},
      continueOnError: 'steps.d.outputs.y',
      cache: { key: "${{ hashFiles('x') }}", ttlMs: 1, paths: [] },
    } as unknown as PlanStep;
    const { steps, contexts, functions } = readsOfStep(step);
    expect([...steps].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(contexts.has('secrets')).toBe(true);
    expect([...functions].sort()).toEqual(['hashfiles', 'success']);
  });
});

/** `format('{0}{0}', format(…))`, which would have 2^levels characters. */
function doubling(levels: number): string {
  return `${"format('{0}{0}', ".repeat(levels)}'x'${')'.repeat(levels)}`;
}

function thrown(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}

function codeOf(act: () => unknown): string | undefined {
  const error = thrown(act);
  return isMaestroError(error) ? error.code : String(error);
}
