import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PIPELINE_SCHEMA } from '../src/pipeline/schema.ts';

/** The schema of pipelines for editors. */
export const PIPELINE_SCHEMA_PATH = resolve(import.meta.dirname, '../docs/reference/pipeline.schema.json');

export function pipelineSchemaText(): string {
  return `${JSON.stringify(PIPELINE_SCHEMA, null, 2)}\n`;
}

/** Writes `docs/reference/pipeline.schema.json` again after the schema changed. */
if (import.meta.main) writeFileSync(PIPELINE_SCHEMA_PATH, pipelineSchemaText());
