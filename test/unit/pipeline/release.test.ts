import { describe, expect, test } from 'vitest';
import { compilePipeline } from '../../../src/pipeline/compile.ts';
import type { Plan } from '../../../src/pipeline/plan.ts';
import { CATALOG, NO_FILES } from './sample-catalog.ts';

function compiled(text: string): Plan {
  const { plan, findings } = compilePipeline({ path: 'x.yaml', text, params: {}, catalog: CATALOG, files: NO_FILES });
  if (!plan) throw new Error(JSON.stringify(findings, null, 1));
  return plan;
}

describe('a release', () => {
  const released = (wish: string): Plan =>
    compiled(
      `name: sample\non: { push: { tags: ["v*"] } }\n${wish}\nsteps:\n  - { id: one, run: a, artifacts: [{ name: app, path: a }] }\n`,
    );

  test('is in the plan with its defaults, and not where nobody asked for one', () => {
    expect(released('release:').release).toEqual({ isPrerelease: false, isKeptDraft: false });
    expect(
      released('release: { title: One, notes: "*", prerelease: true, assets: [app], draft: true }').release,
    ).toEqual({
      title: 'One',
      notes: '*',
      isPrerelease: true,
      artifacts: ['app'],
      isKeptDraft: true,
    });
    expect(released('')).not.toHaveProperty('release');
  });

  test('may have artifacts that steps keep of their own accord, and no others', () => {
    const problemsOf = (assets: string, input: string): readonly string[] =>
      compilePipeline({
        path: 'x.yaml',
        text: `name: sample\non: { tag: {} }\nrelease: { assets: [${assets}] }\nsteps:\n  - { id: one, uses: keep, with: { name: ${input} } }\n`,
        params: {},
        catalog: CATALOG,
        files: NO_FILES,
      }).findings.map(({ message }) => message);
    expect(problemsOf('own, given', 'given')).toEqual([]);
    expect(problemsOf('owned', 'given')).toEqual([expect.stringContaining('no step has an artifact "owned"')]);
    // It shows when the step runs.
    expect(problemsOf('any', '"${{ github.ref }}"')).toEqual([]);
  });
});
