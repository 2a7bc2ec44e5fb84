import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { JsonObject } from '../base/json.ts';
import type { PolicyManifest } from './bundle.ts';

const VALIDATORS = new WeakMap<PolicyManifest, ValidateFunction<JsonObject>>();

/** Holds a data document to the packs' schema. Compiled once, because every repository has a document of its own. */
export function validatorOf(manifest: PolicyManifest): ValidateFunction<JsonObject> {
  let validate = VALIDATORS.get(manifest);
  if (validate === undefined) {
    const ajv = new Ajv2020({ allErrors: true, strict: true, verbose: true });
    VALIDATORS.set(manifest, (validate = ajv.compile<JsonObject>(manifest.dataSchema)));
  }
  return validate;
}
