import { beforeAll, describe, expect, it } from 'vitest';
import { admitStep } from '../../../src/engine/admission.ts';
import { compilePlan } from '../../../src/engine/compiled-plan.ts';
import { type FinishedStep, runContexts, stepContexts } from '../../../src/engine/contexts.ts';
import type { Admission } from '../../../src/engine/run-state.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { PolicyEngine } from '../../../src/policy/evaluate.ts';
import { runKey } from '../../../src/policy/input-from-plan.ts';
import { realPolicy } from '../../fakes/engine.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';

const CLEAN = 0;
const FAILED = 1;
const SKIPPED = 2;
const NOW_MS = Date.parse('2026-01-02T03:04:05Z');

describe('admission', () => {
  let policy: PolicyEngine;
  beforeAll(async () => {
    policy = await realPolicy();
  });

  function admit(
    change: Partial<PlanStep>,
    request: {
      flags?: number;
      isCancelling?: boolean;
      isApproved?: boolean;
      isCompensation?: boolean;
      before?: FinishedStep;
    } = {},
  ): Admission {
    const { before = { status: 'succeeded', outcome: { outputs: { word: 'yes', secret: '' } } }, ...rest } = request;
    const plan = planOf([planStep('a'), planStep('b', { needs: ['a'], ...change })]);
    const compiled = compilePlan(plan);
    const contexts = runContexts(compiled, { key: 'key', attempt: 1, trigger: TRIGGER });
    const answer = admitStep(policy, {
      entry: {
        id: 1,
        key: 'key',
        compiled,
        trigger: TRIGGER,
        contexts,
        policyKey: runKey(plan, TRIGGER),
        namespace: 1,
      },
      step: plan.steps[1]!,
      idx: 1,
      flags: CLEAN,
      isCancelling: false,
      isCompensation: false,
      gatedBy: [],
      isApproved: false,
      contexts: stepContexts(contexts, compiled, 1, (idx) => (idx === 0 ? before : undefined)),
      nowMs: NOW_MS,
      ...rest,
    });
    return answer.admission;
  }

  const conditions: readonly [condition: string | undefined, flags: number, wanted: Admission['type']][] = [
    [undefined, CLEAN, 'ready'],
    [undefined, FAILED, 'skip'],
    [undefined, SKIPPED, 'skip'],
    ['true', CLEAN, 'ready'],
    ['true', FAILED, 'skip'],
    ['false', CLEAN, 'skip'],
    ['success()', CLEAN, 'ready'],
    ['success()', FAILED, 'skip'],
    ['failure()', CLEAN, 'skip'],
    ['failure()', FAILED, 'ready'],
    ['failure()', SKIPPED, 'skip'],
    ['always()', FAILED | SKIPPED, 'ready'],
    ['!cancelled()', SKIPPED, 'ready'],
    ["ALWAYS() && steps.a.outputs.word == 'YES'", FAILED, 'ready'],
    ["steps.a.outputs.word == 'no'", CLEAN, 'skip'],
    ["steps.a.result == 'success'", CLEAN, 'ready'],
    ["failure() || steps.a.outputs.missing == ''", SKIPPED, 'ready'],
    ["contains(steps.a.outputs.word, 'always()')", FAILED, 'skip'],
    ["fromJSON('{')", CLEAN, 'fail'],
  ];
  for (const [condition, flags, wanted] of conditions) {
    it(`answers ${wanted} to if: ${condition ?? '(none)'} behind ${['success', 'a failure', 'a skip', 'a failure and a skip'][flags]}`, () => {
      expect(admit(condition === undefined ? {} : { if: condition }, { flags }).type).toBe(wanted);
    });
  }

  it('asks nothing of the condition of a compensation', () => {
    expect(admit({ if: 'false' }, { isCompensation: true, flags: FAILED }).type).toBe('ready');
  });

  it('asks policy about what the step will do, after its templates', () => {
    const ask: Partial<PlanStep> = { environment: 'production' };
    expect(admit(ask)).toMatchObject({ type: 'hold', kind: 'ask', delayMs: null });
    expect(admit(ask, { isApproved: true }).type).toBe('ready');
    expect(admit({ tags: ['no-such-tag'] }).type).toBe('deny');
    expect(admit({ tags: ['no-such-tag'] }, { isApproved: true }).type).toBe('deny');
    expect(admit({ tags: ['no-such-tag'], if: 'false' }).type).toBe('skip');
  });

  it('holds a gate until its time and a wait for its time', () => {
    const gate = (input: PlanStep['with']) => admit({ kind: 'gate', uses: 'gate', with: input });
    expect(gate({})).toEqual({ type: 'hold', kind: 'gate', reason: 'waits for an approval', delayMs: null });
    expect(gate({ message: 'ship?', expires: '2h' })).toMatchObject({ reason: 'ship?', delayMs: 7_200_000 });
    const wait = (input: PlanStep['with']) => admit({ kind: 'wait', uses: 'wait', with: input });
    expect(wait({ for: '90s' })).toMatchObject({ kind: 'wait', delayMs: 90_000 });
    expect(wait({ until: '2026-01-02T03:05:05Z' })).toMatchObject({ delayMs: 60_000 });
    expect(wait({ until: '2020-01-01T00:00:00Z' })).toMatchObject({ delayMs: 0 });
    expect(wait({ until: 'soon' }).type).toBe('fail');
    expect(wait({}).type).toBe('fail');
    expect(wait({ for: `\${{ steps.a.outputs.word }}` }).type).toBe('fail');
  });
});
