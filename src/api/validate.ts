import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { MaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';

const PROBLEMS_MAX = 5;
const compiled = new WeakMap<JsonObject, ValidateFunction>();

/**
 * Holds a value against a schema of ours.
 * @throws REQUEST_INVALID, which names fields and quotes no values: they may be secrets
 */
export function assertValid(schema: JsonObject, value: unknown, root: string): void {
  const validate = validator(schema);
  if (validate(value)) return;
  const lines = (validate.errors ?? []).slice(0, PROBLEMS_MAX).map((error) => {
    const field = error.keyword === 'additionalProperties' ? ` (${String(error.params.additionalProperty)})` : '';
    return `${root}${error.instancePath.replaceAll('/', '.')} ${error.message ?? error.keyword}${field}`;
  });
  throw new MaestroError('REQUEST_INVALID', lines.join('; ').slice(0, 2000));
}

function validator(schema: JsonObject): ValidateFunction {
  let validate = compiled.get(schema);
  // Not all errors: a body of a million wrong fields would cost as many messages.
  if (!validate) compiled.set(schema, (validate = new Ajv2020({ allErrors: false, strict: true }).compile(schema)));
  return validate;
}
