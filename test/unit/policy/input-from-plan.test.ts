import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import { questionKey, runInput, runKey, stepInput } from '../../../src/policy/input-from-plan.ts';
import { forkOf, PLAN, PLAN_STEP, POLICY_FOLDER, RUN, stepOf, TRIGGER } from './fixture.ts';

const schema = JSON.parse(readFileSync(resolve(POLICY_FOLDER, 'schema/policy-input.schema.json'), 'utf8'));
const isQuestion = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false }).compile(schema);

describe('the question of a run or step', () => {
  const full = {
    ...PLAN,
    version: '1.0.0',
    purpose: 'release',
    authority: 'board',
    licence: 'MIT',
    autonomy: 'L2',
    budget: { microUsd: 5, soft: 0.5 },
  } as const;
  const deploy: PlanStep = {
    ...PLAN_STEP,
    environment: 'prod',
    secrets: ['TOKEN'],
    egress: ['a.com'],
    tags: ['deploy'],
  };

  test.each([
    ['a bare run', runInput(PLAN, TRIGGER)],
    ['a full run', runInput(full, TRIGGER)],
    ['a bare step', stepInput(PLAN, PLAN_STEP, TRIGGER)],
    ['a full step', stepInput(full, deploy, TRIGGER)],
    ['the run of the tests', RUN],
    ['the step of the tests', stepOf({})],
    ['the fork of the tests', forkOf({})],
  ])('of %s has the published shape', (_, input) => {
    expect(isQuestion(input)).toBe(true);
  });

  test.each([
    ['a run with a step', { ...stepOf({}), phase: 'run' }],
    ['a step without one', { ...RUN, phase: 'step' }],
    ['a field too many', { ...RUN, id: 'x' }],
    ['a step with an id', { ...stepOf({}), step: { ...stepOf({}).step, id: 'x' } }],
  ])('%s does not have the published shape', (_, input) => {
    expect(isQuestion(input)).toBe(false);
  });

  test('says what the plan says', () => {
    expect(stepInput(full, deploy, { ...TRIGGER, isFork: true })).toMatchObject({
      phase: 'step',
      pipeline: { name: 'golden', kind: 'ci', version: '1.0.0' },
      trigger: { type: 'push', repository: 'https://github.com/o/r', ref: 'refs/heads/main', isFork: true },
      purpose: 'release',
      authority: 'board',
      licence: 'MIT',
      autonomy: 'L2',
      budget: { microUsd: 5, tokens: null, minutes: null },
      step: { environment: 'prod', secrets: ['TOKEN'], egress: ['a.com'], tags: ['deploy'], with: { run: 'npm test' } },
    });
  });

  test.each([
    ['http', 'https://api.a.com/x', [], ['api.a.com']],
    ['http@1', 'https://API.a.com:8443/x', [], ['api.a.com:8443']],
    ['notify', 'http://a.com/${{ secrets.TOKEN }}', [], ['a.com']],
    ['http', 'https://a.com${{ secrets.TOKEN }}/', [], ['*']],
    ['http', 'https://${{ secrets.HOST }}/', [], ['*']],
    ['http', '${{ runner.name }}', [], ['*']],
    ['http', 'not a url', [], ['*']],
    ['http', undefined, [], ['*']],
    ['http', '${{ secrets.URL }}', ['hooks.a.com'], ['hooks.a.com']],
    ['http', 'https://evil.com/', ['a.com'], ['a.com', 'evil.com']],
    ['http', 'https://a.com/', ['A.com:443'], ['A.com:443']],
    ['shell', 'https://a.com/', [], []],
  ])('names the hosts of %s to %s that declares %j: %j', (uses, url, egress, expected) => {
    const step = { ...PLAN_STEP, uses, egress, with: url === undefined ? {} : { url } };
    expect(stepInput(PLAN, step, TRIGGER).step?.egress).toEqual(expected);
  });

  test.each([
    [{ image: 'image', to: 'registry.a.com/team/app' }, [], ['registry.a.com']],
    [{ image: 'image', to: 'localhost:5000/app' }, ['localhost:5000'], ['localhost:5000']],
    [{ image: 'registry.a.com/app:${{ git.sha }}' }, [], ['registry.a.com']],
    [{ image: 'image', to: 'evil.com/app' }, ['a.com'], ['a.com', 'evil.com']],
    [{ image: 'image', to: '${{ secrets.HOST }}/app' }, [], ['*']],
    [{}, [], ['*']],
  ])('names the host of the registry in %j that declares %j: %j', (input, egress, expected) => {
    const step = { ...PLAN_STEP, uses: 'registry.push', egress, with: input };
    expect(stepInput(PLAN, step, TRIGGER).step?.egress).toEqual(expected);
  });

  test('does not change with what a step is called or when it runs', () => {
    const renamed = { ...PLAN_STEP, id: 'harmless', base: 'harmless', needs: ['x'], if: 'always()' };
    expect(stepInput(PLAN, renamed, TRIGGER)).toEqual(stepInput(PLAN, PLAN_STEP, TRIGGER));
  });
});

describe('the key of a question', () => {
  const key = runKey(PLAN, TRIGGER);
  const changes: readonly [string, Partial<PlanStep>][] = [
    ['kind', { kind: 'gate' }],
    ['uses', { uses: 'http' }],
    ['code', { code: { uri: 'builtin:http' } }],
    ['runner', { runner: 'gpu' }],
    ['tags', { tags: ['pii'] }],
    ['egress', { egress: ['a.com'] }],
    ['secrets', { secrets: ['A'] }],
    ['environment', { environment: 'prod' }],
    ['isIdempotent', { isIdempotent: false }],
    ['timeoutMs', { timeoutMs: 1 }],
    ['with', { with: {} }],
  ];
  test.each(changes)('differs where %s differs', (_, change) => {
    expect(questionKey(key, { ...PLAN_STEP, ...change })).not.toBe(questionKey(key, PLAN_STEP));
  });

  test('differs between runs whose shared part differs', () => {
    const fork = runKey(PLAN, { ...TRIGGER, isFork: true });
    expect(questionKey(fork, PLAN_STEP)).not.toBe(questionKey(key, PLAN_STEP));
    expect(runKey({ ...PLAN, purpose: 'release' }, TRIGGER)).not.toBe(key);
  });

  test('is equal for steps that ask the same', () => {
    expect(questionKey(key, { ...PLAN_STEP, id: 'other' })).toBe(questionKey(key, PLAN_STEP));
  });
});
