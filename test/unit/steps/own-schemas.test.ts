import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { PIPELINE_SCHEMA } from '../../../src/pipeline/schema.ts';
import { BUILT_IN_STEPS } from '../../../src/steps/built-in.ts';

const OWN = [
  ['the pipeline', PIPELINE_SCHEMA] as const,
  ...[...BUILT_IN_STEPS].map(([name, step]) => [`step ${name}`, step.input] as const),
];

it.each(OWN)('the schema of %s is valid JSON Schema, so that it need not be checked at each start', (_name, schema) => {
  const ajv = new Ajv2020({ strict: false });
  expect(ajv.validateSchema(schema)).toBe(true);
});

it('a schema that is not valid is noticed', () => {
  expect(new Ajv2020({ strict: false, logger: false }).validateSchema({ type: 'nothing' })).toBe(false);
});
