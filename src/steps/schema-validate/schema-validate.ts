import { parse } from 'yaml';
import { MaestroError, messageOf } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts';
import { readTextInside } from '../checkout-path.ts';
import { defineStep, type StepContext } from '../define.ts';
import { computeInThread } from '../thread.ts';
import { SCHEMA_VALIDATE_HEAD } from './schema-validate-head.ts';

/** A pattern of a schema can take time that grows exponentially: then it is ended. */
const VALIDATE_MS_MAX = 10_000;
const FILE_BYTES_MAX = 4_194_304;
const ALIASES_MAX = 100;

interface ValidateInput {
  readonly schema: JsonObject | string;
  readonly data?: Json;
  readonly file?: string;
}

export const schemaValidateStep = defineStep<ValidateInput>({
  ...SCHEMA_VALIDATE_HEAD,
  run: async (context, input) => {
    const schema = typeof input.schema === 'string' ? await readDocument(context, input.schema) : input.schema;
    if (!isJsonObject(schema)) throw new MaestroError('INPUT_INVALID', 'expected a JSON Schema that is an object');
    const data = input.file === undefined ? (input.data ?? null) : await readDocument(context, input.file);
    const module = new URL('./schema-thread.ts', import.meta.url);
    const problems = (await computeInThread({
      module,
      data: { schema, data },
      timeoutMs: VALIDATE_MS_MAX,
      signal: context.signal,
    })) as readonly string[];
    if (problems.length === 0) return { kind: 'succeeded', result: { isValid: true, problems: [] } };
    for (const message of problems) {
      context.log(message);
      context.annotate({
        level: 'failure',
        title: 'schema',
        message,
        ...(input.file === undefined ? {} : { path: input.file }),
      });
    }
    return {
      kind: 'failed',
      errorClass: 'step',
      errorCode: 'INPUT_INVALID',
      message: `not valid: ${problems.join('; ')}`,
      result: { isValid: false, problems },
    };
  },
});

async function readDocument({ workingDirectory }: StepContext, path: string): Promise<Json> {
  const text = await readTextInside(workingDirectory, path, FILE_BYTES_MAX);
  try {
    // YAML contains JSON, but its parser is far slower.
    return (/\.ya?ml$/i.test(path) ? parse(text, { maxAliasCount: ALIASES_MAX }) : JSON.parse(text)) as Json;
  } catch (cause) {
    throw new MaestroError('INPUT_INVALID', `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
