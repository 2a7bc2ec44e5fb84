import { beforeAll, describe, expect, it } from 'vitest';
import { askPolicy } from '../../../src/engine/admission.ts';
import { compilePlan } from '../../../src/engine/compiled-plan.ts';
import { runContexts, stepContexts } from '../../../src/engine/contexts.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { PolicyEngine } from '../../../src/policy/evaluate.ts';
import { runKey } from '../../../src/policy/input-from-plan.ts';
import { realPolicy } from '../../fakes/engine.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';

describe('where policy lists the hosts that may be reached', () => {
  let policy: PolicyEngine;
  beforeAll(async () => {
    policy = await realPolicy({ egress: { allow: ['good.com'] } });
  });

  function verdictOn(change: Partial<PlanStep>, planEnv: Readonly<Record<string, string>> = {}): string {
    const plan = { ...planOf([planStep('a'), planStep('b', { needs: ['a'], uses: 'http', ...change })]), env: planEnv };
    const compiled = compilePlan(plan);
    const shared = runContexts(compiled, { key: 'key', attempt: 1, trigger: TRIGGER });
    const outputs = { good: 'good.com', evil: 'evil.com' };
    const { decision } = askPolicy(policy, {
      entry: {
        id: 1,
        key: 'key',
        compiled,
        trigger: TRIGGER,
        contexts: shared,
        policyKey: runKey(plan, TRIGGER),
        namespace: 1,
      },
      step: compiled.plan.steps[1]!,
      idx: 1,
      contexts: stepContexts(shared, compiled, 1, () => ({ status: 'succeeded', outcome: { outputs } })),
      isCompensation: false,
      gatedBy: [],
    });
    return decision.verdict;
  }

  const url = (text: string): Partial<PlanStep> => ({ with: { url: text } });
  const sneaky = "${{ startsWith(env.H, '$') && 'https://good.com/' || 'https://evil.com/' }}";
  it.each<[string, Partial<PlanStep>, Record<string, string>, string]>([
    ['a listed host', url('https://good.com/x'), {}, 'allow'],
    ['another host', url('https://evil.com/x'), {}, 'deny'],
    ['a listed host of another step', url('https://${{ steps.a.outputs.good }}/x'), {}, 'allow'],
    ['another host of another step', url('https://${{ steps.a.outputs.evil }}/x'), {}, 'deny'],
    ['a host that only the worker knows', url('https://${{ secrets.HOST }}/x'), {}, 'deny'],
    ['such a host with declared egress', { ...url('${{ secrets.URL }}'), egress: ['good.com'] }, {}, 'allow'],
    ['a host in the env of the plan', url('${{ env.BASE }}/x'), { BASE: 'https://${{ github.x }}good.com' }, 'allow'],
    [
      'a host in the env of the step, which is over that of the plan',
      { ...url('${{ env.BASE }}/x'), env: { BASE: 'https://evil.com' } },
      { BASE: 'https://good.com' },
      'deny',
    ],
    ['a host that hangs on a variable that only the worker knows', url(sneaky), { H: '${{ secrets.X }}' }, 'deny'],
    [
      'that, through another variable',
      { ...url(sneaky), env: { H: '${{ env.G }}' } },
      { G: '${{ runner.os }}' },
      'deny',
    ],
    [
      'a variable beside such a one',
      url('${{ env.BASE }}'),
      { BASE: 'https://good.com', H: '${{ secrets.X }}' },
      'allow',
    ],
  ])('%s is judged: %j with %j gets %s', (_, change, planEnv, verdict) => {
    expect(verdictOn(change, planEnv)).toBe(verdict);
  });
});
