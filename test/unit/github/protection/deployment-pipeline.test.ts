import { describe, expect, it } from 'vitest';
import { deploymentPlan } from '../../../../src/github/protection/deployment-pipeline.ts';
import { compilePipeline } from '../../../../src/pipeline/compile.ts';
import { evaluateTemplate } from '../../../../src/pipeline/expression.ts';
import { STEP_CATALOG } from '../../../../src/steps/catalog.ts';

const planOf = (environment: string) =>
  deploymentPlan((request) => compilePipeline({ ...request, catalog: STEP_CATALOG }), environment, `to ${environment}`);

describe('the pipeline that decides a deployment', () => {
  it('is one gate before the environment, and costs nothing', () => {
    const { name, kind, budget, steps } = planOf('prod');
    expect({ name, kind, budget }).toEqual({ name: 'deployment', kind: 'ops', budget: { microUsd: 0, tokens: 0 } });
    expect(steps).toMatchObject([{ id: 'promote', uses: 'gate.promote', kind: 'gate', needs: [] }]);
    expect(steps[0]?.with).toEqual({ environment: 'prod', message: 'to prod' });
  });

  it('is equal for equal environments', () => {
    expect(planOf('prod')).toEqual(planOf('prod'));
  });

  it.each([
    "it's ${{ github.token }}",
    '${{ "quoted" }}',
    '}} ${{',
    "${{ '${{' }}",
    'line\nbreak: [yaml]',
    '"json" \\ \u0007 \u{1f680}',
  ])('takes a name for a name, whatever it is: %j', (environment) => {
    const written = planOf(environment).steps[0]?.with.environment ?? null;
    expect(evaluateTemplate(written, {}, {})).toBe(environment);
  });
});
