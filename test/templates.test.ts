import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compilePipeline } from '../src/pipeline/compile.ts';
import type { SourceTree } from '../src/pipeline/task-manifest.ts';
import { STEP_CATALOG } from '../src/steps/catalog.ts';

const ROOT = resolve(import.meta.dirname, '..');
const FILES: SourceTree = { read: (path) => readFileSync(resolve(ROOT, path)) };
const TEMPLATES = globSync('templates/pipelines/*.{yaml,yml,json}', { cwd: ROOT }).sort();
const PIPELINES = globSync('.maestro/*.yaml', { cwd: ROOT });

describe('the pipelines that we publish', () => {
  it('are there for every language that `maestro init` knows', () => {
    expect(TEMPLATES.map((path) => /([^/\\]+)\.yaml$/.exec(path)?.[1])).toEqual(['go', 'node', 'python']);
    expect(PIPELINES.length).toBeGreaterThan(0);
  });

  it.each([...TEMPLATES, ...PIPELINES])('compile without a single finding: %s', (path) => {
    const text = readFileSync(resolve(ROOT, path), 'utf8');
    const { plan, findings } = compilePipeline({ path, text, params: {}, catalog: STEP_CATALOG, files: FILES });
    expect(findings).toEqual([]);
    expect(plan?.steps.length).toBeGreaterThan(3);
  });
});
