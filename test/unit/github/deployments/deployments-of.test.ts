import { describe, expect, it } from 'vitest';
import { type DeploymentOptions, deploymentsOf } from '../../../../src/github/deployments/deployments-of.ts';
import type { PlanStep } from '../../../../src/pipeline/plan.ts';
import type { DeploymentSpec } from '../../../../src/protocol/deployment-board.ts';
import type { StepView } from '../../../../src/protocol/run.ts';
import { planStep } from '../../../fakes/plans.ts';
import { planOf, runView, stepView } from '../report/views.ts';

const NOTHING_KNOWN: DeploymentOptions = {
  environmentOf: () => ({ url: null, isProduction: false }),
  standing: [],
  logUrl: null,
};

function told(
  steps: readonly StepView[],
  options: Partial<DeploymentOptions> = {},
  planSteps: readonly PlanStep[] = [],
): readonly DeploymentSpec[] {
  return deploymentsOf(runView('r1', { steps }), planOf({ steps: planSteps }), { ...NOTHING_KNOWN, ...options });
}

const held = (reason: string) => ({ kind: 'gate', reason, dueAt: null }) as const;
const gate = (change: Partial<StepView> = {}): StepView =>
  stepView('promote', { kind: 'gate', uses: 'gate.promote', environment: 'prod', attempts: 0, ...change });
const work = (id: string, change: Partial<StepView> = {}): StepView => stepView(id, { environment: 'prod', ...change });
const PENDING = { status: 'pending', attempts: 0, startedAt: null, finishedAt: null } as const;
const undo = (change: Partial<StepView> = {}): StepView =>
  work('deploy:compensate', { isCompensation: true, ...change });

describe('deployments of a run', () => {
  it.each<[string, readonly StepView[], string, RegExp]>([
    [
      'that waits for a gate',
      [gate({ status: 'held', hold: held('1 of 2 approvals') }), work('deploy', PENDING)],
      'queued',
      /1 of 2 approvals/,
    ],
    ['whose gate has passed', [gate(), work('deploy', { ...PENDING, status: 'ready' })], 'queued', /^Waits$/],
    [
      'whose first step runs',
      [work('deploy', { status: 'running' }), work('smoke', PENDING)],
      'in_progress',
      /Being deployed/,
    ],
    [
      'whose step tries again',
      [work('deploy', { status: 'held', attempts: 1, hold: { kind: 'backoff', reason: 'x', dueAt: null } })],
      'in_progress',
      /./,
    ],
    ['that is half done', [work('deploy'), work('smoke', PENDING)], 'in_progress', /./],
    ['that is done', [gate(), work('deploy'), work('smoke')], 'success', /Deployed/],
    ['of which a part was skipped', [work('deploy'), work('smoke', { ...PENDING, status: 'skipped' })], 'success', /./],
    [
      'whose gate was denied',
      [gate({ status: 'denied', reason: 'frozen' }), work('deploy', { ...PENDING, status: 'skipped' })],
      'error',
      /Denied: frozen/,
    ],
    [
      'that failed',
      [work('deploy'), work('smoke', { status: 'failed', reason: 'exit code 1' })],
      'failure',
      /Failed: exit code 1/,
    ],
    ['that failed and was undone', [work('deploy'), work('smoke', { status: 'failed' }), undo()], 'failure', /Failed/],
    [
      'that could not be undone',
      [work('deploy'), undo({ status: 'failed', reason: 'no way back' })],
      'error',
      /no way back/,
    ],
    ['that is being undone', [work('deploy'), undo({ status: 'running' })], 'in_progress', /Being undone/],
    ['that was undone', [work('deploy'), undo()], 'inactive', /Undone/],
    [
      'that was cancelled under way',
      [work('deploy'), work('smoke', { ...PENDING, status: 'cancelled', reason: 'by ada' })],
      'error',
      /Cancelled: by ada/,
    ],
  ])('%s', (_, steps, state, description) => {
    expect(told(steps)).toMatchObject([{ state, description: expect.stringMatching(description) }]);
  });

  it.each<[string, readonly StepView[]]>([
    ['that has not begun', [gate(PENDING), work('deploy', PENDING)]],
    ['that was skipped', [gate({ ...PENDING, status: 'skipped' }), work('deploy', { ...PENDING, status: 'skipped' })]],
    ['that was cancelled before', [work('deploy', { ...PENDING, status: 'cancelled' })]],
    ['that an earlier attempt made', [work('deploy', { attempts: 0, startedAt: null })]],
    ['of which there is but a gate', [gate({ status: 'held', hold: held('x') })]],
    ['that acts on no environment', [stepView('test')]],
  ])('are not told of %s', (_, steps) => {
    expect(told(steps)).toEqual([]);
  });

  it.each<[string, readonly StepView[], string]>([
    ['skipped', [work('deploy', { ...PENDING, status: 'skipped', reason: 'a need failed' })], 'Skipped: a need failed'],
    ['cancelled', [work('deploy', { ...PENDING, status: 'cancelled', reason: 'by ada' })], 'Cancelled: by ada'],
  ])('tell that what was told of is %s after all', (_, steps, description) => {
    expect(told(steps, { standing: ['prod'] })).toMatchObject([{ state: 'inactive', description }]);
  });

  it.each<[string, readonly StepView[], boolean]>([
    ['were denied at once', [gate({ status: 'denied' }), work('deploy', { ...PENDING, status: 'skipped' })], true],
    ['were denied when the first of it was done', [work('canary'), gate({ status: 'denied' })], false],
    ['wait', [gate({ status: 'held', hold: held('x') }), work('deploy', PENDING)], false],
  ])('that %s', (_, steps, isVain) => {
    expect(told(steps)).toMatchObject([{ isVain }]);
  });

  it('do not fail by a step that may', () => {
    const steps = [work('deploy'), work('smoke', { status: 'failed' })];
    const plan = [planStep('deploy'), { ...planStep('smoke'), continueOnError: true }];
    expect(told(steps, {}, plan)).toMatchObject([{ state: 'success' }]);
  });

  it('are one for each environment, with what is known of it', () => {
    const steps = [stepView('a', { environment: 'staging' }), work('b', { status: 'running' })];
    const specs = told(steps, {
      environmentOf: (name) => ({ url: `https://${name}.test/`, isProduction: name === 'prod' }),
      logUrl: 'https://github.test/job',
    });
    expect(specs).toMatchObject([
      {
        externalId: 'r1/environment/staging',
        state: 'success',
        environmentUrl: 'https://staging.test/',
        isProduction: false,
      },
      {
        externalId: 'r1/environment/prod',
        state: 'in_progress',
        isProduction: true,
        logUrl: 'https://github.test/job',
      },
    ]);
  });

  it('say what GitHub takes, whatever a reason holds', () => {
    const [spec] = told([work('deploy', { status: 'failed', reason: `a\n\u001b[31m${'x'.repeat(500)}` })]);
    expect(spec?.description.length).toBeLessThanOrEqual(140);
    expect(spec?.description).toMatch(/^Failed: a x+…$/);
  });
});
