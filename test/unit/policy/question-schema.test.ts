import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import type { Json, JsonObject } from '../../../src/base/json.ts';
import { PolicyModule } from '../../../src/policy/module.ts';
import { describeWith } from '../../real-parts.ts';
import { damagedQuestions, wellFormedQuestions } from './arbitrary-questions.ts';
import { actionOf, approvalOf, BUNDLE, POLICY_FOLDER, promotionOf, RUN, secretOf, stepOf } from './fixture.ts';

const schema = JSON.parse(readFileSync(resolve(POLICY_FOLDER, 'schema/policy-input.schema.json'), 'utf8'));
const isQuestion = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false }).compile(schema);
const module = await PolicyModule.load(BUNDLE, BUNDLE.manifest.defaults);

describe('the published shape of questions', () => {
  test.each([
    RUN,
    stepOf({}),
    secretOf({}, null),
    actionOf('run'),
    { ...RUN, ...actionOf('run') },
    approvalOf({}),
    approvalOf(null),
    promotionOf({ checks: null, deployments: [{ environment: 'staging', ageSeconds: 1, isVerified: true }] }),
  ])('takes $phase', (question) => {
    expect(isQuestion(question)).toBe(true);
  });

  test.each<[string, object]>([
    ['a phase that nobody knows', { ...RUN, phase: 'publish' }],
    ['a step without a phase', { ...stepOf({}), phase: undefined }],
    ['a run with a person', { ...RUN, action: actionOf('run').action }],
    ['a secret without isolation', { ...stepOf({}), phase: 'secret' }],
    [
      'an answer that takes back',
      { ...RUN, phase: 'approval', approval: { ...approvalOf(null).approval, decision: 'revoke' } },
    ],
    ['a promotion without a clock reading', promotionOf({ clocks: { UTC: {} as never } })],
    ['a promotion of something without a digest', promotionOf({ artifacts: ['app.tgz' as never] })],
  ])('does not take %s', (_, question) => {
    expect(isQuestion(question)).toBe(false);
  });

  test('holds nothing that the rules would take for malformed', () => {
    fc.assert(
      fc.property(fc.oneof(wellFormedQuestions, damagedQuestions), (question) => {
        expect(isQuestion(question) && isMalformed(question)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test('takes every question that these tests make up', () => {
    fc.assert(
      fc.property(wellFormedQuestions, (question) => {
        expect([isQuestion(question) || isQuestion.errors?.[0]?.instancePath, isMalformed(question)]).toEqual([
          true,
          false,
        ]);
      }),
    );
  });
});

describeWith('opa', 'the questions of the packs’ own tests', (opa) => {
  test('have the published shape', () => {
    const made = ['run', ...['step', 'gate', 'fork', 'promotion'].map((name) => `${name}_with({})`)];
    const more = [
      'secret_with({}, "user")',
      'action_with("run", {})',
      'approval_with(null, {})',
      'approval_with(gate, {})',
    ];
    const query = `[${[...made, ...more].map((call) => `data.maestro.fixture_test.${call.replace('(gate', '(data.maestro.fixture_test.gate')}`).join(', ')}]`;
    const args = ['eval', '--format', 'raw', '--data', POLICY_FOLDER, query];
    const questions = JSON.parse(spawnSync(opa, args, { encoding: 'utf8' }).stdout) as readonly Json[];
    expect(questions).toHaveLength(made.length + more.length);
    for (const question of questions) expect([isQuestion(question), isQuestion.errors]).toEqual([true, null]);
  });
});

function isMalformed(question: Json): boolean {
  const { reasons } = module.evaluate(new TextEncoder().encode(canonicalJson(question))) as JsonObject;
  return (reasons as readonly string[]).some((reason) => reason.startsWith('base/malformed-input'));
}
