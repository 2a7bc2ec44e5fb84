import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { BUILT_IN_STEPS, STEP_BODIES } from '../../../src/steps/built-in.ts';
import { STEP_CATALOG } from '../../../src/steps/catalog.ts';
import { schemaProblems } from '../../../src/steps/json-schema.ts';

describe('step catalog', () => {
  it('offers every built-in step by its name with its input schema, but not `task`, which paths and packages stand for', () => {
    expect(STEP_CATALOG.has('task')).toBe(false);
    for (const [name, step] of [...BUILT_IN_STEPS].filter(([name]) => name !== 'task')) {
      expect(STEP_CATALOG.get(name)).toMatchObject({ kind: step.kind, isAvailable: true, inputSchema: step.input });
    }
  });

  it('knows the names of steps that this version cannot run', () => {
    for (const name of ['llm.plan', 'llm.generate', 'web.scrape', 'cd.rollout'])
      expect(STEP_CATALOG.get(name)).toMatchObject({ isAvailable: false, kind: 'work' });
  });

  it.each(['gate.promote', 'gate.freeze', 'approval'])('knows %s for a gate', (name) => {
    expect(STEP_CATALOG.get(name)).toMatchObject({ isAvailable: true, kind: 'gate' });
  });

  it('has valid JSON Schemas', () => {
    for (const step of BUILT_IN_STEPS.values()) {
      for (const schema of step.kind === 'work' ? [step.input, step.output] : [step.input]) {
        expect(new Ajv2020({ strict: false }).validateSchema(schema)).toBe(true);
      }
    }
  });

  it.each([
    ['wait', { for: '10m' }, true],
    ['wait', { until: '2027-01-01T00:00:00Z' }, true],
    ['wait', {}, false],
    ['wait', { for: '1m', until: 'x' }, false],
    ['approval', { message: 'go?', approvals: 2, from: ['team'], 'not-author': true, expires: '1d' }, true],
    ['approval', { approvals: 0 }, false],
    ['http', { url: 'https://x', body: 'a', json: 1 }, false],
    ['shell', { run: 'true', shell: 'zsh' }, false],
  ])('%s takes %j: %s', (name, input, isValid) => {
    expect(schemaProblems(BUILT_IN_STEPS.get(name)!.input, input, 'with').length === 0).toBe(isValid);
  });

  it('does not quote values in its problems, because they may be secret', () => {
    expect(schemaProblems({ properties: { a: { enum: ['x'] } } }, { a: 's3cret' }, 'with').join()).not.toContain(
      's3cret',
    );
  });

  it.each(Object.entries(STEP_BODIES))('has for %s the body of that step', async (name, load) => {
    const { run, ...head } = await load();
    expect(run).toBeTypeOf('function');
    expect(BUILT_IN_STEPS.get(name)).toMatchObject(head);
    expect(head.name).toBe(name);
  });
});
