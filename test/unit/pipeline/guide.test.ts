import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PIPELINE_SCHEMA_PATH, pipelineSchemaText } from '../../../app/write-pipeline-schema.ts';
import { lintPipeline } from '../../../src/pipeline/compile.ts';
import { CATALOG, NO_FILES } from './sample-catalog.ts';

const GUIDE = readFileSync(resolve(import.meta.dirname, '../../../docs/guides/pipelines.md'), 'utf8');
const EXAMPLES = [...GUIDE.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text);

/** A whole file around an example: some are only steps, or only parameters. */
function wholeFile(example: string): string {
  if (example.startsWith('name:')) return example;
  const isParams = example.startsWith('params:');
  const params = isParams ? example : 'params: { regions: [a, b] }\n';
  const test = example.includes('id: test') ? '' : '  - { id: test, run: "echo ${{ toJSON(params) }}" }\n';
  return `name: sample\n${params}steps:\n${test}${isParams ? '' : example}`;
}

test('docs/reference/pipeline.schema.json is current (else run `node app/write-pipeline-schema.ts`)', () => {
  expect(readFileSync(PIPELINE_SCHEMA_PATH, 'utf8')).toBe(pipelineSchemaText());
});

describe('the guide', () => {
  test('has examples', () => {
    expect(EXAMPLES.length).toBeGreaterThan(4);
  });

  test.each(EXAMPLES)('has an example that compiles: %s', (example) => {
    const text = wholeFile(example);
    expect(lintPipeline({ path: 'guide.yaml', text, catalog: CATALOG, files: NO_FILES })).toEqual([]);
  });
});
