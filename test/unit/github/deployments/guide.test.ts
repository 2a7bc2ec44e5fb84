import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { environmentsIn } from '../../../../src/github/deployments/environments-in.ts';
import { compilePipeline } from '../../../../src/pipeline/compile.ts';
import { STEP_CATALOG } from '../../../../src/steps/catalog.ts';
import { testPolicyParser } from '../../../fakes/engine.ts';

const GUIDE = readFileSync(new URL('../../../../docs/guides/promotions.md', import.meta.url), 'utf8');
const BLOCKS = [...GUIDE.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);

describe('the guide of promotions', () => {
  it('shows a pipeline that compiles', () => {
    const text = BLOCKS.find((block) => block.startsWith('name: ship')) ?? '';
    const files = { read: () => undefined };
    const { findings, plan } = compilePipeline({
      path: '.maestro/ship.yaml',
      text,
      params: {},
      catalog: STEP_CATALOG,
      files,
    });
    expect(findings).toEqual([]);
    expect(plan?.steps.map(({ id }) => id)).toEqual(['build', 'staging', 'to-prod', 'prod']);
  });

  it('shows a policy file that is valid, with environments as GitHub shows them', async () => {
    const text = BLOCKS.find((block) => block.includes('policy.yaml')) ?? '';
    const patch = (await testPolicyParser())(text, '.maestro/policy.yaml') ?? {};
    expect(environmentsIn(patch).get('prod')).toEqual({ url: 'https://shop.example.com/', isProduction: true });
  });

  it('shows a job that names an environment', () => {
    const job = BLOCKS.find((block) => block.startsWith('jobs:')) ?? '';
    expect(parse(job)).toMatchObject({ jobs: { deploy: { environment: 'prod' } } });
  });

  it('names the task by which our deployments are known', () => {
    const source = new URL('../../../../src/github/deployments/deployment-writer.ts', import.meta.url);
    const [, task = ''] = /const TASK = '([^']+)'/.exec(readFileSync(source, 'utf8')) ?? [];
    expect(GUIDE).toContain(`\`${task}\``);
  });
});
