import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { MaestroError, messageOf } from '../base/errors.ts';
import type { Json, JsonObject } from '../base/json.ts';

/** Problems that are told; one more line says how many there are beyond. */
const PROBLEMS_MAX = 10;
const compiled = new WeakMap<JsonObject, ValidateFunction>();

/**
 * What is wrong with a value, one line each with the place; empty for a valid one. Values themselves are not quoted,
 * because they may be secrets.
 *
 * @param isOwn the schema is one of Maestro's own, which tests hold to JSON Schema: it is not checked again at each start
 * @throws MaestroError INPUT_INVALID where the schema itself is not valid JSON Schema 2020-12
 */
export function schemaProblems(schema: JsonObject, value: Json, root: string, isOwn = false): readonly string[] {
  const validate = compileSchema(schema, isOwn);
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  const lines = errors.slice(0, PROBLEMS_MAX).map((error) => {
    const detail = error.keyword === 'additionalProperties' ? ` (${String(error.params.additionalProperty)})` : '';
    return `${root}${error.instancePath.replaceAll('/', '.')} ${error.message ?? error.keyword}${detail}`;
  });
  return errors.length > PROBLEMS_MAX ? [...lines, `and ${errors.length - PROBLEMS_MAX} more`] : lines;
}

function compileSchema(schema: JsonObject, isOwn: boolean): ValidateFunction {
  const known = compiled.get(schema);
  if (known) return known;
  try {
    // A new instance each: schemas of different owners may use the same $id.
    const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: true, validateSchema: !isOwn });
    formats.default(ajv);
    const validate = ajv.compile(schema);
    compiled.set(schema, validate);
    return validate;
  } catch (cause) {
    throw new MaestroError('INPUT_INVALID', `expected a JSON Schema 2020-12: ${messageOf(cause)}`, { cause });
  }
}
